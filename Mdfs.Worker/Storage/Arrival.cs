namespace Mdfs.Worker.Storage;

/// <summary>A body that arrives, read until what it is read into is full.</summary>
/// <param name="silence">What is given up after.</param>
internal sealed class Arrival(TimeSpan silence)
{
    /// <returns>Bytes read; less than there is room for: the body has ended.</returns>
    /// <param name="stop">Cancelled after too long a silence of the sender.</param>
    public async ValueTask<int> FillAsync(Stream body, Memory<byte> room, CancellationTokenSource stop)
    {
        var filled = 0;
        while (filled < room.Length)
        {
            stop.CancelAfter(silence);
            var read = await body.ReadAsync(room[filled..], stop.Token);
            if (read == 0) break;
            filled += read;
        }

        // The disk's time is not the sender's silence.
        stop.CancelAfter(Timeout.InfiniteTimeSpan);
        return filled;
    }
}
