namespace Mdfs.Worker.Status;

/// <summary>A place in the count of windows that are being sent: given back while the client takes nothing, and taken again.</summary>
internal sealed class StreamPlace : IDisposable
{
    private readonly Action _enter;
    private readonly Action _leave;
    private int _counted;

    public StreamPlace(Action enter, Action leave)
    {
        (_enter, _leave) = (enter, leave);
        Retake();
    }

    public void Retake()
    {
        if (Interlocked.Exchange(ref _counted, 1) == 0) _enter();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _counted, 0) == 1) _leave();
    }
}
