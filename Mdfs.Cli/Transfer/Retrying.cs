using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;

namespace Mdfs.Cli.Transfer;

/// <summary>Repeats what the cluster could not do at the moment. Whoever made progress gets all its tries back: a movie over a bad line takes what it takes.</summary>
internal sealed class Retrying(Output output, int retries)
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(15);

    /// <param name="progress">A number that rises while bytes get through.</param>
    public async Task<T> RunAsync<T>(string name, Func<Task<T>> attempt, Func<long> progress, CancellationToken cancellationToken)
    {
        var (failures, reached) = (0, progress());
        while (true)
        {
            try
            {
                return await attempt();
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && CliException.From(e) is { ExitCode: ExitCodes.Unavailable } failure)
            {
                if (progress() > reached) failures = 0;
                reached = progress();
                if (failures++ >= retries) throw failure == e ? failure : new CliException(failure.Message, failure.ExitCode, e);
                var wait = Wait(failures, failure as Refusal);
                if (!output.IsJson) output.Note($"{Printable.Of(name)}: {Printable.Of(failure.Message)} Trying again in {wait.TotalSeconds:0} s ({failures} of {retries}).");
                await Task.Delay(wait, cancellationToken);
            }
        }
    }

    private static TimeSpan Wait(int failures, Refusal? refusal)
    {
        var wait = TimeSpan.FromSeconds(Math.Min(Math.Pow(2, failures - 1), _longestWait.TotalSeconds));
        return refusal?.RetryAfter is { } asked && asked > wait ? (asked < _longestWait ? asked : _longestWait) : wait;
    }
}
