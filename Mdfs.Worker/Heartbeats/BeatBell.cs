namespace Mdfs.Worker.Heartbeats;

/// <summary>Rung by whoever has something to tell the master that should not wait for the next tick.</summary>
internal sealed class BeatBell
{
    private Action? _listener;

    public void Ring() => Volatile.Read(ref _listener)?.Invoke();

    public void Answer(Action listener) => Volatile.Write(ref _listener, listener);
}
