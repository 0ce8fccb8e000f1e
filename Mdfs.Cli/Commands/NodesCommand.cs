using System.CommandLine;
using System.Globalization;
using Mdfs.Cli.Terminal;
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
            return ExitCodes.Done;
        });
        command.Subcommands.Add(Forget());
        return command;
    }

    private static Command Forget()
    {
        var which = new Argument<string>("NODE") { Description = "Its name or id." };
        var force = new Option<bool>("--force") { Description = "Also when the only known copies of movies are lost with it." };
        var command = new Command("forget", "Take a worker that no longer runs off the list.") { which, force };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var wanted = parsed.GetValue(which)!;
            var fitting = (await session.Master.NodesAsync(cancellationToken)).Where(node => node.Id == wanted || node.Name == wanted).ToList();
            if (fitting.Count == 0) throw new CliException($"No node is called '{wanted}'. 'mdfs nodes' lists them.", ExitCodes.NotFound);
            if (fitting.Count > 1) throw new CliException($"{fitting.Count} nodes are called '{wanted}': say which by its id.", ExitCodes.Usage);
            await session.Master.ForgetNodeAsync(fitting[0].Id, parsed.GetValue(force), cancellationToken);
            session.Output.Result(new { fitting[0].Id, fitting[0].Name, forgotten = true }, $"forgotten   {Printable.Of(fitting[0].Name)}");
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Show(Output output, List<Server.Node> nodes)
    {
        var table = Output.Table("Name", "State", ">Movies", ">Used", ">Free", ">Streams", ">Last beat", "Zone", "Address", "Id");
        foreach (var node in nodes)
        {
            table.AddRow(
                new Text(Printable.Of(node.Name)),
                new Text(node.ClosedForWrites is { } closed ? $"{node.State}, takes nothing: {Printable.Of(closed)}" : node.State, new Style(node.State == "alive" ? Color.Green : Color.Yellow)),
                new Text($"{node.Replicas}"), new Text(Quantity.Bytes(node.Used)), new Text(Quantity.Bytes(node.Free)), new Text($"{node.Streams}"),
                new Text(node.SecondsSinceBeat is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s") : "never"),
                new Text(Printable.Of(node.Zone ?? "")), new Text(Printable.Of(node.Address)), new Text(node.Id));
        }

        if (nodes.Count > 0) output.Show(table);
        else output.Note("No worker has registered yet.");
    }
}
