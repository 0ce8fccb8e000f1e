using System.CommandLine;
using System.Globalization;
using Mdfs.Cli.Terminal;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

/// <summary>The re-reading of all that workers hold: watched, started, paused.</summary>
internal static class ScrubCommand
{
    public static Command Create()
    {
        var command = new Command("scrub", "How far the workers have come with re-reading all they hold.");
        command.Runs(async (session, _, cancellationToken) =>
        {
            var workers = await session.Master.ScrubsAsync(cancellationToken);
            if (session.Output.IsJson) workers.ForEach(session.Output.Json);
            else Show(session.Output, workers);
            return ExitCodes.Done;
        });
        command.Subcommands.Add(Tell("start", "Let it go on; where the last round is over, begin another now.", "told to re-read"));
        command.Subcommands.Add(Tell("pause", "Pause it until it is started again.", "told to pause"));
        return command;
    }

    private static Command Tell(string action, string description, string told)
    {
        var which = new Argument<string?>("NODE") { Description = "A worker's name or id; none: all that live.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command(action, description) { which };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var node = parsed.GetValue(which) is { } wanted ? await NodesCommand.FindAsync(session, wanted, cancellationToken) : null;
            await session.Master.TellScrubAsync(action, node?.Id, cancellationToken);
            session.Output.Result(new { action, node = node?.Name }, $"{told}   {(node is null ? "all workers" : Printable.Of(node.Name))}");
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Show(Output output, List<Server.Scrub> workers)
    {
        var table = Output.Table("Name", "State", ">Read", ">Of", ">To go", ">Oldest", ">Rot found", ">Healed", ">Proved");
        foreach (var worker in workers)
        {
            table.AddRow(
                new Text(Printable.Of(worker.Node)),
                new Text(worker.Reason is { } reason ? $"{worker.State}: {Printable.Of(reason)}" : worker.State, new Style(worker.State is "running" or "resting" ? Color.Green : Color.Yellow)),
                new Text(Quantity.Bytes(worker.Done)), new Text(Quantity.Bytes(worker.Total)), new Text(worker.SecondsToGo is { } seconds ? Quantity.Duration(seconds) : ""),
                new Text(Quantity.Duration(worker.OldestSeconds)), new Text(worker.RotFound.ToString(CultureInfo.InvariantCulture)), new Text(worker.RotHealed.ToString(CultureInfo.InvariantCulture)),
                new Text(Quantity.Duration(worker.CanarySeconds)));
        }

        if (workers.Count > 0) output.Show(table);
        else output.Note("No worker has registered yet.");
    }
}
