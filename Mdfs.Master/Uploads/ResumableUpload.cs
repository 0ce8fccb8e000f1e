using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Uploads;

/// <summary>
/// One resumable upload in memory. One request at a time, and the newest wins: the connection of an older one may hang for as long as TCP likes, and
/// the client that sends the newer has given the older up.
/// </summary>
public sealed class ResumableUpload(UploadRecord record)
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lock _gate = new();
    private readonly List<CancellationTokenSource> _present = [];
    private UploadRecord _record = record;

    public UploadId Id => Record.Id;

    /// <summary>What the workers have. Changed only by who holds the turn.</summary>
    public UploadRecord Record
    {
        get => Volatile.Read(ref _record);
        set => Volatile.Write(ref _record, value);
    }

    /// <summary>Redis holds <see cref="Record"/>; only then may the client be told of it.</summary>
    public bool Saved { get; set; }

    /// <summary>The <see cref="UploadRecord.TouchedAge"/> that Redis holds.</summary>
    public double NotedAge { get; set; }

    /// <summary>This master has asked the workers what they have.</summary>
    public bool Met { get; set; }

    /// <summary>The last request broke off, or a master did: the next piece resumes the upload.</summary>
    public bool Interrupted { get; set; }

    /// <summary>Removed: whoever still waits for a turn finds nothing.</summary>
    public bool Ended { get; set; }

    public bool IsBusy
    {
        get { lock (_gate) return _present.Count > 0; }
    }

    /// <summary>Cuts off whoever is there, and waits until they have put away what they got. Null: they did not within the time.</summary>
    /// <exception cref="OperationCanceledException">Who wanted to come is gone. If he was before he came, nobody is cut off for him: on a busy machine a request may be looked at after its client has long begun anew.</exception>
    public async Task<UploadTurn?> EnterAsync(TimeSpan patience, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var mine = new CancellationTokenSource();
        List<CancellationTokenSource> older;
        lock (_gate)
        {
            older = [.. _present];
            _present.Add(mine);
        }

        var entered = false;
        try
        {
            foreach (var one in older) await one.CancelAsync();
            entered = await _turn.WaitAsync(patience, cancellation);
            return entered ? new UploadTurn(mine.Token, () => Leave(mine, entered: true)) : null;
        }
        finally
        {
            if (!entered) Leave(mine, entered: false);
        }
    }

    private void Leave(CancellationTokenSource mine, bool entered)
    {
        // Never disposed: an older list may still name it, and without a timer it holds nothing.
        lock (_gate) _present.Remove(mine);
        if (entered) _turn.Release();
    }
}

/// <summary>The right to work on an upload, until it is disposed.</summary>
/// <param name="CutOff">Cancelled when a newer request has come.</param>
public sealed record UploadTurn(CancellationToken CutOff, Action Leave) : IDisposable
{
    public void Dispose() => Leave();
}
