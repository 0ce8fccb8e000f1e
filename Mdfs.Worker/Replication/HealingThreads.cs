using System.Collections.Concurrent;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Worker.Replication;

/// <summary>
/// Threads on which healing writes: a write is mostly a copy into the page cache that keeps its processor for milliseconds, and what players wait for comes first. Two, as nobody
/// waits for more of them than a disk and a wire keep busy.
/// </summary>
internal sealed class HealingThreads : TaskScheduler, IDisposable
{
    private const int Count = 2;

    private readonly BlockingCollection<Task> _waiting = [];
    private readonly Lock _gate = new();
    private bool _started;

    public override int MaximumConcurrencyLevel => Count;

    public Task RunAsync(Func<Task> write) => Task.Factory.StartNew(write, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this).Unwrap();

    public void Dispose() => _waiting.CompleteAdding();

    protected override void QueueTask(Task task)
    {
        lock (_gate)
        {
            // Not before there is something to heal.
            for (var thread = _started ? Count : 0; thread < Count; thread++) new Thread(Work) { IsBackground = true, Name = $"healing {thread + 1}" }.Start();
            _started = true;
        }

        try
        {
            _waiting.Add(task);
        }
        catch (InvalidOperationException)
        {
            // The worker stops, and this is the last write of a pull that has not heard of it.
            ThreadPool.QueueUserWorkItem(_ => TryExecuteTask(task));
        }
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _waiting;

    private void Work()
    {
        ThreadTurns.GiveWay();
        foreach (var task in _waiting.GetConsumingEnumerable()) TryExecuteTask(task);
    }
}
