using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
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
    public async Task<string?> FetchAsync(Pull pull, PullSink sink, long end, Memory<byte> buffer, CancellationToken cancellation)
    {
        var version = pull.Order.Replica.Version;
        var fruitless = 0;
        for (var turn = 0; sink.Length < end; turn++)
        {
            var sources = pull.Order.Sources;
            if (sources.Count == 0) return "there is no source";
            var source = sources[turn % sources.Count];
            var blockEnd = ((sink.Length / BlockFormat.BlockSize) + 1) * BlockFormat.BlockSize;
            var until = fruitless < sources.Count ? end : Math.Min(end, blockEnd);
            var before = sink.Length;
            var failure = await CopyAsync(source, version, until, sink, pull.Limit(time), buffer, cancellation);
            fruitless = sink.Length > before ? 0 : fruitless + 1;
            if (fruitless >= 2 * sources.Count) return $"no source has byte {sink.Length} of it; of {source.Address}: {failure}";
            // The one that just did well is asked again.
            if (failure is null) turn--;
        }

        return null;
    }

    private async Task<string?> CopyAsync(PullSource source, MovieVersion version, long until, PullSink sink, Throttle? limit, Memory<byte> buffer, CancellationToken cancellation)
    {
        var length = until - sink.Length;
        var target = Routes.Worker.WindowPath(version, sink.Length, length);
        var token = tokens.Issue(NodePurpose.Peer, "GET", target, memory.Id.Value, source.Node.Value, memory.Facts.Epoch, clock.Now);
        var answer = await client.OpenWindowAsync(source.Address, target, token, length, options.Value.IdleTimeout, cancellation);
        if (!answer.Succeeded) return answer.Failure.Reason;
        using var window = answer.Value;
        while (window.Remaining > 0)
        {
            var filled = 0;
            for (int read; filled < buffer.Length && (read = await window.ReadAsync(buffer[filled..])) > 0; filled += read)
            {
            }

            if (filled > 0)
            {
                await throttle.TakeAsync(filled, cancellation);
                if (limit is not null) await limit.TakeAsync(filled, cancellation);
                await sink.WriteAsync(buffer[..filled], cancellation);
                metrics.Pulled(filled);
            }

            if (window.Failure is { } failure) return failure.Reason;
        }

        return null;
    }
}
