using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

internal enum UploadState
{
    /// <summary>Space is reserved, no byte has come.</summary>
    Open,
    Receiving,

    /// <summary>Complete and fsynced, with a receipt.</summary>
    Prepared,

    /// <summary>Being sealed or removed.</summary>
    Busy,
    Gone,
}

/// <summary>One upload in memory. Whoever begins something on it ends it with <see cref="EndBusy"/>, whatever came of it.</summary>
internal sealed class UploadSlot(UploadId upload, long? size, SpaceReservation reservation, long opened)
{
    private readonly Lock _turn = new();
    private readonly CancellationTokenSource _dropped = new();
    private TaskCompletionSource? _busy;
    private UploadState _state = UploadState.Open;

    public UploadId Upload => upload;

    /// <summary>As opened; null when the client did not say.</summary>
    public long? Size => size;

    public SpaceReservation Reservation => reservation;

    /// <summary>Timestamp of the opening, by the monotonic clock.</summary>
    public long Opened => opened;

    public UploadState State
    {
        get { lock (_turn) return _state; }
        set { lock (_turn) _state = value; }
    }

    /// <summary>Cancelled when the upload is to be removed while its bytes still come.</summary>
    public CancellationToken Dropped => _dropped.Token;

    /// <summary>Completes when nobody works on it.</summary>
    public Task Idle
    {
        get { lock (_turn) return _busy?.Task ?? Task.CompletedTask; }
    }

    public bool TryBegin(UploadState from, UploadState to)
    {
        lock (_turn)
        {
            if (_state != from || _busy is not null) return false;
            _state = to;
            _busy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
    }

    public void EndBusy()
    {
        lock (_turn)
        {
            _busy?.TrySetResult();
            _busy = null;
        }
    }

    public void Drop() => _dropped.Cancel();
}
