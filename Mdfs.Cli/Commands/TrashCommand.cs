using System.CommandLine;
using System.Globalization;
using Mdfs.Cli.Terminal;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

/// <summary>What was deleted, and the way back.</summary>
internal static class TrashCommand
{
    public static Command Create()
    {
        var command = new Command("trash", "Deleted and overwritten movies that can still be brought back.");
        command.Runs(async (session, _, cancellationToken) =>
        {
            var found = await session.Master.TrashAsync(cancellationToken);
            if (session.Output.IsJson) found.ForEach(session.Output.Json);
            else Show(session.Output, found);
            return ExitCodes.Done;
        });
        return command;
    }

    public static Command CreateUndelete()
    {
        var name = new Argument<string>("NAME") { Description = "The movie's name." };
        var version = new Option<long?>("--version-number") { Description = "Of the version to bring back, as 'mdfs trash' says; without it, the latest." };
        var command = new Command("undelete", "Bring a deleted movie back.") { name, version };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var stored = await session.Master.UndeleteAsync(parsed.GetValue(name)!, parsed.GetValue(version), cancellationToken);
            session.Output.Result(stored, $"back   {Printable.Of(stored.Name)}   {Quantity.Bytes(stored.Size)}   {stored.Copies} of {stored.CopiesWanted} copies");
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Show(Output output, List<Server.Trashed> found)
    {
        var table = Output.Table("Name", ">Size", "Deleted", ">Copies", "Version", "");
        foreach (var one in found)
        {
            table.AddRow(
                new Text(Printable.Of(one.Name)), new Text(Quantity.Bytes(one.Size)), new Text(Quantity.Moment(one.RemovedAt)),
                new Text($"{one.Copies}"), new Text(one.Version.ToString(CultureInfo.InvariantCulture)), new Text(one.Free ? "" : one.Superseded ? "overwritten, its room is not free yet" : "name taken"));
        }

        if (found.Count > 0) output.Show(table);
        else output.Note("Nothing is in the trash.");
    }
}
