using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Replication;

/// <summary>
/// Fetches a run of bytes from whichever source has them: one long window from one source, and from the byte where it broke from the next. When none
/// gets on, single blocks are asked for, since a source that meets a bad block ends the connection and may lose good bytes before it.
/// </summary>
internal sealed class PeerWindows(
    ByteClient client, NodeTokens tokens, NodeMemory memory, MasterClock clock, Throttle throttle, WorkerMetrics metrics, IOptions<WorkerOptions> options, TimeProvider time)
{
    /// <summary>Appends to the sink until it is <paramref name="end"/> bytes long.</summary>
    /// <returns>Why that was not to be had from any source, or null.</returns>
    public async Task<string?> FetchAsync(Pull pull, PullSink sink, long end, CancellationToken cancellation)
    {
        var fruitless = 0;
        for (var turn = 0; sink.Length < end; turn++)
        {
            var sources = pull.Order.Sources;
            if (sources.Count == 0) return "there is no source";
            var source = sources[turn % sources.Count];
            var blockEnd = ((sink.Length / BlockFormat.BlockSize) + 1) * BlockFormat.BlockSize;
            var until = fruitless < sources.Count ? end : Math.Min(end, blockEnd);
            var before = sink.Length;
            var failure = await CopyAsync(pull, source, until, sink, cancellation);
            fruitless = sink.Length > before ? 0 : fruitless + 1;
            if (fruitless >= 2 * sources.Count) return $"no source has byte {sink.Length} of it; of {source.Address}: {failure}";
            // The one that just did well is asked again.
            if (failure is null) turn--;
        }

        return null;
    }

    private async Task<string?> CopyAsync(Pull pull, PullSource source, long until, PullSink sink, CancellationToken cancellation)
    {
        var version = pull.Order.Replica.Version;
        var length = until - sink.Length;
        var target = Routes.Worker.WindowPath(version, sink.Length, length);
        var token = tokens.Issue(NodePurpose.Peer, "GET", target, memory.Id.Value, source.Node.Value, memory.Facts.Epoch, clock.Now);
        var answer = await client.OpenWindowAsync(source.Address, target, token, length, options.Value.IdleTimeout, cancellation);
        if (!answer.Succeeded) return answer.Failure.Reason;
        using var window = answer.Value;
        while (window.Remaining > 0 && window.Failure is null)
        {
            // A newer order may change it in the middle of a window, which can be as long as the movie.
            var limit = pull.Limit(time);
            var filled = await FillAsync(window, sink.Room(), limit ?? throttle);
            if (filled == 0) continue;
            await throttle.TakeAsync(filled, cancellation);
            if (limit is not null) await limit.TakeAsync(filled, cancellation);
            await sink.AdvanceAsync(filled, cancellation);
            metrics.Pulled(filled);
        }

        return window.Failure?.Reason;
    }

    /// <summary>As much as fits. Under a limit less, so that it is kept in steps rather than in gulps.</summary>
    private static async Task<int> FillAsync(ByteWindow window, Memory<byte> into, Throttle limit)
    {
        var filled = 0;
        into = into[..limit.Step(into.Length)];
        for (int read; filled < into.Length && (read = await window.ReadAsync(into[filled..])) > 0; filled += read)
        {
        }

        return filled;
    }
}
