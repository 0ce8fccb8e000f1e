using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>Beside the bytes of a resumable upload on disk: that they are to be kept over a restart.</summary>
/// <param name="Size">As opened; null when the client had not said yet.</param>
internal sealed record AppendNote(UploadId Upload, long? Size);

/// <summary>
/// One resumable upload in memory. One piece at a time; whoever comes later cuts off who is there, since a master that sends a piece anew has given
/// up the one before, and its connection may hang.
/// </summary>
internal sealed class AppendSlot(UploadId upload, long length, SpaceReservation reservation) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lock _gate = new();
    private CancellationTokenSource _present = new();

    public UploadId Upload => upload;

    public SpaceReservation Reservation => reservation;

    /// <summary>Bytes from the beginning that are durable, as far as this life knows. Changed only by who holds the turn.</summary>
    public long Length { get; set; } = length;

    /// <summary>CRC-32 of the whole parts of blocks among them; null: to be computed from the noted checksums.</summary>
    public Checksum? OfParts { get; set; }

    /// <summary>The highest offset at which a piece began, and the CRC-32 in front of it: that much was acknowledged to the client.</summary>
    public (long Offset, Checksum Checksum) Acknowledged { get; private set; }

    /// <summary>Cluster age in seconds when its last piece came.</summary>
    public double LastAge { get; set; }

    /// <summary>Prepared or removed: it is no appendable upload any more.</summary>
    public bool Ended { get; set; }

    public void Acknowledge(long offset, Checksum checksum)
    {
        if (offset >= Acknowledged.Offset) Acknowledged = (offset, checksum);
    }

    /// <summary>Waits until whoever is there has left, which they are told to.</summary>
    public async Task<Turn> EnterAsync(CancellationToken cancellation)
    {
        var mine = new CancellationTokenSource();
        CancellationTokenSource before;
        lock (_gate) (before, _present) = (_present, mine);
        await before.CancelAsync();
        await _turn.WaitAsync(cancellation);
        return new Turn(_turn, mine.Token);
    }

    public void Dispose() => _turn.Dispose();

    public readonly struct Turn(SemaphoreSlim turn, CancellationToken cutOff) : IDisposable
    {
        /// <summary>Cancelled when the next one comes.</summary>
        public CancellationToken CutOff => cutOff;

        public void Dispose() => turn.Release();
    }
}
