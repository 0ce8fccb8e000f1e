using System.CommandLine;
using System.Globalization;
using Mdfs.Cli.Terminal;
using Mdfs.Protocol;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

internal static class NodesCommand
{
    public static Command Create()
    {
        var command = new Command("nodes", "The workers, and what they hold.");
        command.Runs(async (session, _, cancellationToken) =>
        {
            var nodes = await session.Master.NodesAsync(cancellationToken);
            if (session.Output.IsJson) nodes.ForEach(session.Output.Json);
            else Show(session.Output, nodes);
            foreach (var refused in await session.Master.RefusedAsync(cancellationToken)) session.Output.Note($"refused   {Printable.Of(refused.Name)} at {Printable.Of(refused.Address)}: {Printable.Of(refused.Reason)}");
            return ExitCodes.Done;
        });
        command.Subcommands.Add(Confirm());
        command.Subcommands.Add(Forget());
        command.Subcommands.Add(Drain());
        command.Subcommands.Add(Maintenance());
        return command;
    }

    private static Command Confirm()
    {
        var which = new Argument<string>("NODE") { Description = "Its name or id." };
        var force = new Option<bool>("--force") { Description = "Also when the only known copies of movies are lost with the former one." };
        var command = new Command("confirm", "Let a refused worker take the place of the one that had its name, which is forgotten.") { which, force };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var wanted = parsed.GetValue(which)!;
            var refused = (await session.Master.RefusedAsync(cancellationToken)).FirstOrDefault(node => (node.Id == wanted || node.Name == wanted) && node.Replaces is not null)
                ?? throw new CliException($"No worker '{wanted}' waits to take another one's place.", ExitCodes.NotFound);
            await session.Master.ConfirmNodeAsync(refused.Id, parsed.GetValue(force), cancellationToken);
            session.Output.Result(new { refused.Id, refused.Name, refused.Replaces }, $"confirmed   {Printable.Of(refused.Name)}");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Forget()
    {
        var which = new Argument<string>("NODE") { Description = "Its name or id." };
        var force = new Option<bool>("--force") { Description = "Also when the only known copies of movies are lost with it." };
        var command = new Command("forget", "Take a worker that no longer runs off the list.") { which, force };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var node = await FindAsync(session, parsed.GetValue(which)!, cancellationToken);
            await session.Master.ForgetNodeAsync(node.Id, parsed.GetValue(force), cancellationToken);
            session.Output.Result(new { node.Id, node.Name, forgotten = true }, $"forgotten   {Printable.Of(node.Name)}");
            return ExitCodes.Done;
        });
        return command;
    }

    internal static Command Drain()
    {
        var which = new Argument<string>("NODE") { Description = "Its name or id." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what there is to do, or left to do." };
        var limit = new Option<long?>("--limit") { Description = "Bytes per second over all its copies; 0: no limit, as it is unless given." };
        var pause = new Option<bool>("--pause") { Description = "Begin no further copies until it is drained again." };
        var cancel = new Option<bool>("--cancel") { Description = "Take the drain back." };
        var force = new Option<bool>("--force") { Description = "Also when movies would have fewer copies than they should, or not all find room elsewhere." };
        var command = new Command("drain", "Empty a worker: its copies are made elsewhere first, then it may leave.") { which, dryRun, limit, pause, cancel, force };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var node = await FindAsync(session, parsed.GetValue(which)!, cancellationToken);
            if (parsed.GetValue(cancel))
            {
                await session.Master.CancelDrainAsync(node.Id, cancellationToken);
                session.Output.Result(new { node.Id, node.Name, state = "none" }, $"not drained any more   {Printable.Of(node.Name)}");
                return ExitCodes.Done;
            }

            // Before anything is begun: who is told of a failure must not have changed anything.
            var uncertain = await session.Master.ClusterAsync(cancellationToken) is { Rebuilding: not null } or { Writable: false };
            var drain = parsed.GetValue(dryRun)
                ? await session.Master.DrainAsync(node.Id, parsed.GetValue(limit), cancellationToken)
                : parsed.GetValue(pause) ? await session.Master.PauseDrainAsync(node.Id, cancellationToken)
                : await session.Master.BeginDrainAsync(node.Id, parsed.GetValue(force), parsed.GetValue(limit), cancellationToken);
            session.Output.Result(drain, Sentence(drain, uncertain));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Maintenance()
    {
        var which = new Argument<string>("NODE") { Description = "Its name or id." };
        var length = new Option<TimeSpan>("--for") { Description = "hh:mm:ss, at most seven days (7.00:00:00); 30 minutes unless given.", DefaultValueFactory = static _ => TimeSpan.FromMinutes(30) };
        length.Validators.Add(static result =>
        {
            if (result.Tokens.Count > 0 && TimeSpan.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var time) && (time < TimeSpan.FromSeconds(1) || time > TimeSpan.FromDays(7)))
                result.AddError("--for must be from 00:00:01 to 7.00:00:00 (seven days).");
        });
        var end = new Option<bool>("--end") { Description = "It is over." };
        var command = new Command("maintenance", "Say that a worker will be away for a while: nothing is copied in its place meanwhile.") { which, length, end };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var node = await FindAsync(session, parsed.GetValue(which)!, cancellationToken);
            if (parsed.GetValue(end))
            {
                await session.Master.EndMaintenanceAsync(node.Id, cancellationToken);
                session.Output.Result(new { node.Id, node.Name, secondsLeft = 0 }, $"not in maintenance any more   {Printable.Of(node.Name)}");
                return ExitCodes.Done;
            }

            var begun = await session.Master.BeginMaintenanceAsync(node.Id, parsed.GetValue(length), cancellationToken);
            var unreadable = begun.Unreadable > 0 ? $"; {Counted.Of(begun.Unreadable, "movie", "movies")} cannot be read while it is away" : "";
            session.Output.Result(begun, $"in maintenance   {Printable.Of(begun.Node)} for {Quantity.Duration(begun.SecondsLeft)}{unreadable}");
            return ExitCodes.Done;
        });
        return command;
    }

    /// <param name="uncertain">The catalog is being completed, or Redis is away: a movie that it does not know may be on the node.</param>
    internal static string Sentence(Server.Drain drain, bool uncertain)
    {
        var toDo = drain switch
        {
            { Movies: > 0 } => $"{Counted.Of(drain.Movies, "movie", "movies")}, {Quantity.Bytes(drain.Bytes)} to be copied, at least {Quantity.AtLeast(drain.SecondsAtLeast)}{(drain.BytesPerSecond > 0 ? $" at {Quantity.Bytes(drain.BytesPerSecond)}/s" : "")}",
            // Nothing is left to do by what is known, and that is not all.
            { State: "draining" or "paused" } => uncertain ? "whether every movie has its copies elsewhere is known when the catalog is complete" : "it has not told yet all that it holds",
            _ => "every movie has its copies elsewhere",
        };
        var stuck = drain.WithoutRoom > 0 ? $"; for {drain.WithoutRoom} of them no other node has room" : "";
        return $"{(drain.State == "none" ? "not drained" : drain.State)}   {Printable.Of(drain.Node)}: {toDo}{stuck}; it holds {Counted.Of(drain.Replicas, "copy", "copies")}";
    }

    internal static async Task<Server.Node> FindAsync(Session session, string wanted, CancellationToken cancellationToken)
    {
        var fitting = (await session.Master.NodesAsync(cancellationToken)).Where(node => node.Id == wanted || node.Name == wanted).ToList();
        if (fitting.Count == 0) throw new CliException($"No node is called '{wanted}'. 'mdfs nodes' lists them.", ExitCodes.NotFound);
        if (fitting.Count > 1) throw new CliException($"{fitting.Count} nodes are called '{wanted}': say which by its id.", ExitCodes.Usage);
        return fitting[0];
    }

    private static void Show(Output output, List<Server.Node> nodes)
    {
        var table = Output.Table("Name", "State", ">Movies", ">Used", ">Free", ">Streams", ">Last beat", "Version", "Zone", "Address", "Id");
        foreach (var node in nodes)
        {
            table.AddRow(
                new Text(Printable.Of(node.Name)),
                new Text(node.ClosedForWrites is { } closed ? $"{node.State}, takes nothing: {Printable.Of(closed)}" : node.State, new Style(node.State == "alive" ? Color.Green : Color.Yellow)),
                new Text($"{node.Replicas}"), new Text(Quantity.Bytes(node.Used)), new Text(Quantity.Bytes(node.Free)), new Text($"{node.Streams}"),
                new Text(node.SecondsSinceBeat is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s") : "never"),
                new Text(Printable.Of(node.Version ?? "")), new Text(Printable.Of(node.Zone ?? "")), new Text(Printable.Of(node.Address)), new Text(node.Id));
        }

        if (nodes.Count > 0) output.Show(table);
        else output.Note("No worker has registered yet.");
        foreach (var remark in nodes.Select(node => node.VersionRemark).OfType<string>()) output.Note(Printable.Of(remark));
    }
}
