using System.Collections.Concurrent;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Integrity;

/// <summary>
/// Which blocks were read and found good within <see cref="WorkerOptions.VerifyFreshness"/>, so that the kernel may send them without anybody looking at them once more. Four bytes per
/// block of those replicas that are read, and nothing at all where every block is checked every time, which is the default.
/// </summary>
internal sealed class FreshBlocks(IOptions<WorkerOptions> options, TimeProvider time)
{
    // A gigabyte of movies takes 64 KiB of memory: this is 16 MiB of it.
    private const long MostBlocks = 4L << 20;

    private readonly int _seconds = (int)options.Value.VerifyFreshness.TotalSeconds;
    private readonly long _start = time.GetTimestamp();
    private readonly ConcurrentDictionary<(long Version, long Generation), int[]> _checked = new();
    private long _blocks;

    public bool Any => _seconds > 0;

    /// <summary>The blocks of one replica; null where none is ever fresh. A replica that was healed or replaced begins anew.</summary>
    public Replica? Of(HeldReplica held)
    {
        if (!Any) return null;
        var key = (held.Report.Replica.Version.Number, held.Generation);
        if (_checked.TryGetValue(key, out var times)) return new Replica(this, times);
        var count = BlockFormat.BlockCount(held.Report.Replica.Size);
        if (Interlocked.Add(ref _blocks, count) > MostBlocks) Forget(count);
        return new Replica(this, _checked.GetOrAdd(key, static (_, length) => new int[length], (int)count));
    }

    /// <summary>Nothing is known of it any more.</summary>
    public void Forget(HeldReplica held) => _checked.TryRemove((held.Report.Replica.Version.Number, held.Generation), out _);

    // Whatever is forgotten is checked once more; so it is not worth knowing what was used last.
    private void Forget(long kept)
    {
        _checked.Clear();
        Interlocked.Exchange(ref _blocks, kept);
    }

    private int Now => 1 + (int)time.GetElapsedTime(_start).TotalSeconds;

    /// <param name="Times">The second in which each block was last found good; 0: never.</param>
    internal readonly record struct Replica(FreshBlocks All, int[] Times)
    {
        public void Note(long first, long count)
        {
            var now = All.Now;
            for (var block = first; block < first + count; block++) Volatile.Write(ref Times[block], now);
        }

        /// <summary>How many blocks in a row are fresh, from this one on.</summary>
        public long Run(long first, long most)
        {
            var since = All.Now - All._seconds;
            var run = 0L;
            while (run < most && first + run < Times.Length && Volatile.Read(ref Times[first + run]) is > 0 and var found && found > since) run++;
            return run;
        }
    }
}
