using Mdfs.Cli.Terminal;
using Spectre.Console;

namespace Mdfs.Cli.Transfer;

/// <summary>Several movies, a few at a time; one that fails does not hold up the others. Bars move on standard error while somebody watches.</summary>
internal sealed class Batch(Output output, int parallel)
{
    /// <param name="title">The movie's name, for people.</param>
    /// <param name="source">The other end.</param>
    /// <param name="already">What has failed before anything began.</param>
    /// <returns>The exit code of the whole.</returns>
    public async Task<int> RunAsync<T>(
        IReadOnlyList<T> items, Func<T, string> title, Func<T, string?> source, Func<T, IMeter, CancellationToken, Task<Outcome>> work, CancellationToken cancellationToken,
        IReadOnlyList<Outcome>? already = null)
    {
        var codes = new List<int>();
        foreach (var failed in already ?? []) Tell(failed);
        if (!output.IsWatched)
        {
            await AllAsync(static (_, act) => act(NoMeter.Instance));
            return ExitCodes.Of(codes);
        }

        await output.Aside.Progress().AutoClear(true).HideCompleted(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                output.Live = true;
                try
                {
                    var all = items.Count > 1 ? progress.AddTask($"{items.Count} movies", maxValue: items.Count) : null;
                    await AllAsync(async (item, act) =>
                    {
                        var meter = new Bar(progress, Printable.Of(title(item)));
                        await act(meter);
                        meter.End();
                        all?.Increment(1);
                    });
                }
                finally
                {
                    output.Live = false;
                }
            });
        return ExitCodes.Of(codes);

        Task AllAsync(Func<T, Func<IMeter, Task>, Task> around) =>
            Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (item, cancelled) =>
                await around(item, async meter => Tell(await OneAsync(item, meter, cancelled))));

        void Tell(Outcome outcome)
        {
            lock (codes) codes.Add(outcome.ExitCode);
            output.Result(outcome, outcome.Sentence());
        }

        async Task<Outcome> OneAsync(T item, IMeter meter, CancellationToken cancelled)
        {
            try
            {
                return await work(item, meter, cancelled);
            }
            catch (Exception e) when (!cancelled.IsCancellationRequested && CliException.From(e) is { } failure)
            {
                return Outcome.Failed(title(item), source(item), failure);
            }
        }
    }

    private sealed class Bar(ProgressContext progress, string title) : IMeter
    {
        private ProgressTask? _task;

        public void Begin(string what, long at, long? total)
        {
            End();
            _task = progress.AddTask(Markup.Escape($"{Short(title)} {what}"), maxValue: Math.Max(1, total ?? 1));
            _task.IsIndeterminate = total is null;
            _task.Value = at;
        }

        public void Add(long bytes) => _task?.Increment(bytes);

        public void End() => _task?.StopTask();

        private static string Short(string text) => text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 39), "…");
    }
}
