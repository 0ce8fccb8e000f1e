using System.Buffers;
using System.IO.Hashing;
using System.Net;
using Mdfs.Protocol.Checksums;

namespace Mdfs.Cli.Transfer;

/// <summary>A body that is read while it is sent, counted and added up on the way.</summary>
/// <param name="length">So many bytes are sent, or the request fails: a file that shrinks meanwhile must not become a shorter movie. Null: until the source ends.</param>
/// <param name="sent">Told of every piece that left.</param>
internal sealed class MeteredContent(Stream source, string origin, long? length, Crc32 hash, Action<int> sent) : HttpContent
{
    // As large as what the master reads at once; smaller ones cost system calls.
    private const int BufferSize = 256 * 1024;

    public long Sent { get; private set; }

    public Checksum Checksum => new(hash.GetCurrentHashAsUInt32());

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (length is null || Sent < length)
            {
                var count = await ReadAsync(buffer.AsMemory(0, (int)Math.Min(BufferSize, (length ?? long.MaxValue) - Sent)), cancellationToken);
                if (count == 0 && length is null) return;
                if (count == 0) throw new CliException($"{origin} became shorter while it was being read.", ExitCodes.Failed);
                hash.Append(buffer.AsSpan(0, count));
                await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                Sent += count;
                sent(count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length ?? 0;
        return length is not null;
    }

    private async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken cancellationToken)
    {
        try
        {
            return await source.ReadAsync(into, cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new CliException($"{origin} cannot be read: {e.Message}", ExitCodes.Failed, e);
        }
    }
}
