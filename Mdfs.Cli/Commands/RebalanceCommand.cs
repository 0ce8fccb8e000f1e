using System.CommandLine;
using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;
using Mdfs.Protocol;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

/// <summary>Making all workers equally full, for instance after one has joined.</summary>
internal static class RebalanceCommand
{
    public static Command Create()
    {
        var command = new Command("rebalance", "How far the rebalance has come, or what one would do: it makes all workers equally full.");
        Tells(command, (master, _, cancellationToken) => master.RebalanceAsync(cancellationToken), withNodes: true);
        var limit = new Option<long?>("--limit") { Description = "Bytes per second over all moves; 0: no limit." };
        command.Subcommands.Add(Tells(
            new Command("start", "Begin one, or let a paused one go on.") { limit }, (master, parsed, cancellationToken) => master.StartRebalanceAsync(parsed.GetValue(limit), cancellationToken)));
        command.Subcommands.Add(Tells(new Command("pause", "Finish the moves under way and begin no further ones."), (master, _, cancellationToken) => master.PauseRebalanceAsync(cancellationToken)));
        command.Subcommands.Add(Cancel());
        return command;
    }

    /// <summary>Asks for something, and says how the rebalance stands then.</summary>
    private static Command Tells(Command command, Func<MasterClient, ParseResult, CancellationToken, Task<Rebalance>> ask, bool withNodes = false)
    {
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var rebalance = await ask(session.Master, parsed, cancellationToken);
            session.Output.Result(rebalance, Sentence(rebalance));
            if (withNodes && !session.Output.IsJson) Show(session.Output, rebalance);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Cancel()
    {
        var command = new Command("cancel", "End it; what was moved stays where it is.");
        command.Runs(async (session, _, cancellationToken) =>
        {
            await session.Master.CancelRebalanceAsync(cancellationToken);
            session.Output.Result(new { state = "none" }, "no rebalance is under way any more");
            return ExitCodes.Done;
        });
        return command;
    }

    private static string Sentence(Rebalance rebalance)
    {
        var toDo = rebalance.Movies == 0 ? "nothing to move" : $"{Counted.Of(rebalance.Movies, "movie", "movies")}, {Quantity.Bytes(rebalance.Bytes)} to be moved, at least {Quantity.AtLeast(rebalance.SecondsAtLeast)}";
        var done = rebalance.Since is null ? "" : $"; {Counted.Of(rebalance.MoviesMoved, "movie", "movies")}, {Quantity.Bytes(rebalance.BytesMoved)} moved{(rebalance.Ended is { } ended ? $" until it was {Printable.Of(ended)}" : "")}";
        return $"{(rebalance.State == "none" ? "no rebalance" : rebalance.State)}   {toDo}{done}{(rebalance.HeldUp is { } heldUp ? $"\n{Printable.Of(heldUp)}" : "")}";
    }

    private static void Show(Output output, Rebalance rebalance)
    {
        var table = Output.Table("Name", ">Now", ">Afterwards", ">Equal share");
        foreach (var node in rebalance.Nodes)
            table.AddRow(new Text(Printable.Of(node.Node)), new Text(Quantity.Bytes(node.Before)), new Text(Quantity.Bytes(node.After)), new Text(Quantity.Bytes(node.Share)));
        if (rebalance.Nodes.Count > 0) output.Show(table);
    }
}
