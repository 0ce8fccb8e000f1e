using System.Buffers;
using System.IO.Pipelines;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Master.Files;

/// <summary>
/// A request's body of which a read can be given up, and the server goes on. Kestrel's own stream leaves the server's reader in the middle of a read that a token has
/// ended: it then cannot take the rest of the body, calls that an error of the application, in its log and at Error, and closes. But a client that falls silent is
/// nobody's error, is ended by design, and shall read its 408 in peace.
/// </summary>
public sealed class AbandonableBody(PipeReader reader) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Not with the token: that is what leaves the reader in the middle.
        await using var giveUp = cancellationToken.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);
        while (true)
        {
            var result = await reader.ReadAsync(CancellationToken.None);
            var count = (int)Math.Min(result.Buffer.Length, buffer.Length);
            var taken = result.Buffer.Slice(0, count);
            taken.CopyTo(buffer.Span);
            reader.AdvanceTo(taken.End);
            if (count > 0 || result.IsCompleted || buffer.IsEmpty) return count;
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Bytes are waited for, never by a thread.");
}
