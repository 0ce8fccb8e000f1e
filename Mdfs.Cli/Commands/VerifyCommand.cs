using System.CommandLine;
using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

internal static class VerifyCommand
{
    public static Command Create()
    {
        var names = MovieNames.Several(required: false);
        var all = new Option<bool>("--all") { Description = "Every movie there is." };
        var retries = CommonOptions.Retries();
        var command = new Command("verify", "Have every copy re-read from its disk and compared with the catalog.") { names, all, retries };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var wanted = await MovieNames.ResolveAsync(session, parsed.GetValue(names)!, parsed.GetValue(all), cancellationToken);
            var retrying = new Transfer.Retrying(session.Output, parsed.GetValue(retries));
            var (codes, table) = (new List<int>(), Output.Table("Name", "Node", "CRC-32", "Verdict"));
            foreach (var name in wanted)
            {
                try
                {
                    var verdicts = await retrying.RunAsync(name, () => session.Master.VerifyAsync(name, cancellationToken), static () => 0, cancellationToken);
                    var good = verdicts.Count > 0 && verdicts.All(static verdict => verdict.Valid);
                    // A copy that was not read may be as good as any: a later look tells.
                    codes.Add(good ? ExitCodes.Done : verdicts.Any(static verdict => !verdict.Valid && Answered(verdict)) ? ExitCodes.Damaged : ExitCodes.Unavailable);
                    if (session.Output.IsJson) session.Output.Json(new { name, valid = good, nodes = verdicts });
                    else Show(table, name, verdicts);
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested && CliException.From(e) is { } failure)
                {
                    codes.Add(failure.ExitCode);
                    session.Output.Failure(failure);
                }
            }

            if (table.Rows.Count > 0) session.Output.Show(table);
            return ExitCodes.Of(codes);
        });
        return command;
    }

    private static bool Answered(Verdict verdict) => verdict.Checksum != "ERROR";

    private static void Show(Table table, string name, IReadOnlyList<Verdict> verdicts)
    {
        if (verdicts.Count == 0) table.AddRow(new Text(Printable.Of(name)), new Text(""), new Text(""), new Text("no copy can be reached", new Style(Color.Yellow)));
        foreach (var verdict in verdicts)
        {
            table.AddRow(
                new Text(Printable.Of(name)), new Text(Printable.Of(verdict.Node)), new Text(Printable.Of(verdict.Checksum)),
                verdict.Valid ? new Text("good", new Style(Color.Green)) : new Text(Answered(verdict) ? "DAMAGED" : "did not answer", new Style(Answered(verdict) ? Color.Red : Color.Yellow)));
        }
    }
}
