namespace Mdfs.Worker.Heartbeats;

/// <summary>How this node stands with its master, for those who have to know: health, authority, the log.</summary>
internal sealed class Standing
{
    private volatile string? _refused;

    /// <summary>Why the master refuses this node, or null. A refused node keeps its bytes and obeys nothing.</summary>
    public string? Refused
    {
        get => _refused;
        set => _refused = value;
    }
}
