using System.CommandLine;

namespace Mdfs.Cli.Commands;

/// <summary>All commands on one page.</summary>
internal static class MdfsCommand
{
    public static RootCommand Create()
    {
        var root = new RootCommand("""
            MDFS Pro on the command line: movies in, movies out, and how the cluster fares.

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 cluster away or busy (try again), 4 key missing or wrong, 5 no such movie,
            6 bytes damaged, 7 no space, 130 interrupted.
            """);
        root.Options.Add(CommonOptions.Url);
        root.Options.Add(CommonOptions.Json);
        root.Subcommands.Add(LoginCommand.Create());
        root.Subcommands.Add(LogoutCommand.Create());
        root.Subcommands.Add(PutCommand.Create());
        root.Subcommands.Add(GetCommand.Create());
        root.Subcommands.Add(ListCommand.Create());
        root.Subcommands.Add(RemoveCommand.Create());
        root.Subcommands.Add(VerifyCommand.Create());
        root.Subcommands.Add(PlayCommand.Create());
        root.Subcommands.Add(ImportCommand.Create());
        root.Subcommands.Add(StatusCommand.Create());
        root.Subcommands.Add(NodesCommand.Create());
        root.Subcommands.Add(ScrubCommand.Create());
        // As well under `nodes`, beside the rest of a worker's life.
        root.Subcommands.Add(NodesCommand.Drain());
        root.Subcommands.Add(RebalanceCommand.Create());
        root.Subcommands.Add(TrashCommand.Create());
        root.Subcommands.Add(TrashCommand.CreateUndelete());
        root.Subcommands.Add(QuarantineCommand.Create());
        root.Subcommands.Add(CompletionCommand.Create());
        return root;
    }
}
