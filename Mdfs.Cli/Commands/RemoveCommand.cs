using System.CommandLine;
using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;
using Mdfs.Cli.Transfer;

namespace Mdfs.Cli.Commands;

internal static class RemoveCommand
{
    public static Command Create()
    {
        var names = MovieNames.Several(required: true);
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var retries = CommonOptions.Retries();
        var command = new Command("rm", "Delete movies on every node; for a day 'mdfs undelete' brings them back. Asks first.") { names, yes, retries };
        command.Aliases.Add("delete");
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var doomed = parsed.GetValue(names)!.Distinct(StringComparer.Ordinal).ToList();
            if (!parsed.GetValue(yes)) await session.Output.AskAsync($"Delete {Which(doomed)} on every node?", "delete", "deleted", cancellationToken);
            var retrying = new Retrying(session.Output, parsed.GetValue(retries));
            return await new Batch(session.Output, 1).RunAsync(doomed, static name => name, static _ => null, (name, _, cancelled) => RemoveAsync(session, retrying, name, cancelled), cancellationToken);
        });
        return command;
    }

    private static string Which(List<string> doomed) => doomed.Count == 1 ? $"'{Printable.Of(doomed[0])}'" : $"{doomed.Count} movies";

    private static async Task<Outcome> RemoveAsync(Session session, Retrying retrying, string name, CancellationToken cancellationToken)
    {
        var maybeDone = false;
        return await retrying.RunAsync(name, async () =>
        {
            try
            {
                var deleted = await session.Master.DeleteAsync(name, cancellationToken);
                return new Outcome(deleted.Name, Ending.Deleted) { Nodes = deleted.Nodes };
            }
            catch (Refusal refusal) when (maybeDone && refusal.ExitCode == ExitCodes.NotFound)
            {
                // The try before, of which nobody said what became, was the one that did it.
                return new Outcome(name, Ending.Deleted);
            }
            catch (Exception e)
            {
                maybeDone |= MasterClient.MayHaveDone(e);
                throw;
            }
        }, static () => 0, cancellationToken);
    }
}
