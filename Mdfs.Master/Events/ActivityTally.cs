namespace Mdfs.Master.Events;

/// <summary>
/// Many of a kind in a short time become one entry: after a lost node thousands of movies are healed, and nobody reads thousands of lines. A slice ends when
/// nothing more of its kind happens, and at the latest after a minute.
/// </summary>
/// <param name="began">Monotonic timestamp.</param>
public sealed class ActivityTally(string kind, long began)
{
    private readonly long _began = began;

    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private string? _name;
    private string? _node;
    private string? _actor;
    private string? _detail;
    private long _size;
    private int _count;
    private bool _severalNodes;
    private bool _severalActors;
    private long _last;

    public void Add(string? name, string? node, string? actor, string? detail, long size, long now)
    {
        _last = now;
        _size += size;
        if (_count++ == 0)
        {
            (_name, _node, _actor, _detail) = (name, node, actor, detail);
            return;
        }

        _severalNodes |= node != _node;
        _severalActors |= actor != _actor;
    }

    public bool IsOver(TimeProvider time) => time.GetElapsedTime(_last) >= Quiet || time.GetElapsedTime(_began) >= Longest;

    /// <summary>Without the id, which is given to it in the order of the log.</summary>
    public ActivityEntry Close(DateTimeOffset at) => _count == 1
        ? new ActivityEntry("", at, kind, _name, _node, _actor, _detail, _size)
        : new ActivityEntry("", at, kind, null, _severalNodes ? null : _node, _severalActors ? null : _actor, $"{_count} movies", _size, _count);
}
