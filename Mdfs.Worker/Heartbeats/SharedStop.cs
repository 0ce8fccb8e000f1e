namespace Mdfs.Worker.Heartbeats;

/// <summary>
/// Whether the master stops together with this worker, as in the process of an embedded cluster, where it goes first so that streams can end: that it
/// cannot be reached any more is then no trouble, and nobody is left to say goodbye to.
/// </summary>
public sealed class SharedStop
{
    private volatile bool _announced;

    public bool Announced => _announced;

    /// <summary>Said before the master stops.</summary>
    public void Announce() => _announced = true;
}
