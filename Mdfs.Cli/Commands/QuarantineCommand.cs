using System.CommandLine;
using Mdfs.Cli.Terminal;
using Mdfs.Protocol;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

/// <summary>What workers have put aside: listed, made movies, or removed for good.</summary>
internal static class QuarantineCommand
{
    public static Command Create()
    {
        var command = new Command("quarantine", "Replicas that workers have put aside for you to judge.");
        command.Runs(ListAsync);
        var list = new Command("list", "What live workers have in quarantine.");
        list.Runs(ListAsync);
        command.Subcommands.Add(list);
        command.Subcommands.Add(Adopt());
        command.Subcommands.Add(Purge());
        return command;
    }

    private static async Task<int> ListAsync(Session session, ParseResult parsed, CancellationToken cancellationToken)
    {
        var found = await session.Master.QuarantineAsync(cancellationToken);
        if (session.Output.IsJson) found.ForEach(session.Output.Json);
        else Show(session.Output, found);
        return ExitCodes.Done;
    }

    private static Command Adopt()
    {
        var which = new Argument<string>("ID") { Description = "As the list says." };
        var name = new Option<string?>("--as") { Description = "What it shall be called; without it, as it was." };
        var command = new Command("adopt", "Make a movie of a replica in quarantine.") { which, name };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var one = Find(await session.Master.QuarantineAsync(cancellationToken), parsed.GetValue(which)!);
            var stored = await session.Master.AdoptAsync(one.NodeId, one.Id, parsed.GetValue(name), cancellationToken);
            session.Output.Result(stored, $"adopted   {Printable.Of(stored.Name)}   {Quantity.Bytes(stored.Size)}   {stored.Copies} of {stored.CopiesWanted} copies");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Purge()
    {
        var which = new Argument<string[]>("ID") { Description = "As the list says.", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "All that live workers have." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var command = new Command("purge", "Remove replicas in quarantine for good. Asks first.") { which, all, yes };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var ids = parsed.GetValue(which) ?? [];
            if (ids.Length == 0 == !parsed.GetValue(all)) throw new CliException("Say which by their ids, or --all.", ExitCodes.Usage);
            var doomed = await session.Master.QuarantineAsync(cancellationToken);
            if (ids.Length > 0) doomed = [.. ids.Select(id => Find(doomed, id))];
            if (doomed.Count > 0 && !parsed.GetValue(yes))
                await session.Output.AskAsync($"Remove {Counted.Of(doomed.Count, "replica", "replicas")} for good?", "purge", "purged", cancellationToken);
            foreach (var one in doomed)
            {
                await session.Master.PurgeAsync(one.NodeId, one.Id, cancellationToken);
                session.Output.Result(new { one.Id, one.Node, purged = true }, $"purged   {Printable.Of(one.Name ?? one.Id)} on {Printable.Of(one.Node)}");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static Server.Quarantined Find(List<Server.Quarantined> all, string id) =>
        all.Find(one => one.Id == id) ?? throw new CliException($"No live worker has '{id}' in quarantine. 'mdfs quarantine' lists what there is.", ExitCodes.NotFound);

    private static void Show(Output output, List<Server.Quarantined> found)
    {
        var table = Output.Table("Id", "Node", "Name", ">Size", "Since", "Reason");
        foreach (var one in found)
        {
            table.AddRow(
                new Text(one.Id), new Text(Printable.Of(one.Node)), new Text(Printable.Of(one.Name ?? "not known")), new Text(Quantity.Bytes(one.Size)),
                new Text(Quantity.Moment(one.Since)), new Text(Printable.Of(one.Reason)));
        }

        if (found.Count > 0) output.Show(table);
        else output.Note("Nothing is in quarantine.");
    }
}
