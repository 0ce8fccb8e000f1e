namespace Mdfs.Tests.Cluster;

/// <summary>A client's body that comes in pieces of changing sizes.</summary>
internal sealed class TransferBody(byte[] bytes) : MemoryStream(bytes)
{
    private static readonly int[] Pieces = [1, 4096, 70_000, 13, 262_144, 16_384];
    private int _turn;
    private bool _happened;

    /// <summary>Says nothing more at this offset instead of going on.</summary>
    public long SilentAt { get; init; } = long.MaxValue;

    /// <summary>Runs once at this offset; from there on bytes come one at a time.</summary>
    public (long Offset, Func<Task> Run) Event { get; init; } = (long.MaxValue, () => Task.CompletedTask);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Position >= SilentAt) await Task.Delay(Timeout.Infinite, cancellationToken);
        await Task.Yield();
        if (Position >= Event.Offset)
        {
            if (!_happened) await Event.Run();
            _happened = true;
            return Read(buffer.Span[..1]);
        }
        return Read(buffer.Span[..Math.Min(buffer.Length, Pieces[_turn++ % Pieces.Length])]);
    }
}
