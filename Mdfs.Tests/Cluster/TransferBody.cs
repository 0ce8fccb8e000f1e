namespace Mdfs.Tests.Cluster;

/// <summary>A client's body that comes in pieces of changing sizes.</summary>
internal sealed class TransferBody(byte[] bytes) : MemoryStream(bytes)
{
    private static readonly int[] Pieces = [1, 4096, 70_000, 13, 262_144, 16_384];
    private int _turn;

    /// <summary>Says nothing more at this offset instead of going on.</summary>
    public long SilentAt { get; init; } = long.MaxValue;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Position >= SilentAt) await Task.Delay(Timeout.Infinite, cancellationToken);
        await Task.Yield();
        return Read(buffer.Span[..Math.Min(buffer.Length, Pieces[_turn++ % Pieces.Length])]);
    }
}
