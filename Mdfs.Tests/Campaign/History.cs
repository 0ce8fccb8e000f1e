using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

public enum Act
{
    Upload,

    /// <summary>In pieces. It may be committed more than once, when the answer to the first commit is lost and the movie overwritten before the client asks again.</summary>
    ResumableUpload,
    Delete,
    Undelete,
}

public enum Ending
{
    /// <summary>Acknowledged.</summary>
    Done,

    /// <summary>The answer said that nothing was done.</summary>
    Refused,

    /// <summary>No answer, or one that leaves it open: it may have happened, may still happen, or never.</summary>
    Unknown,
}

/// <summary>What a client wanted to change, and what it heard.</summary>
/// <param name="Version">Of the movie, or the bound of the deletion; null when the answer did not say.</param>
/// <param name="Size">Of an upload: no two of one name have the same, so that it tells them apart.</param>
/// <param name="Copies">That the answer counted.</param>
public sealed record Change(int Number, string Name, Act Act, TimeSpan Start, TimeSpan End, Ending Ending, long? Version, long? Size, int? Copies, string Says)
{
    public override string ToString() =>
        $"[{Start.TotalSeconds,8:0.000} {(End == TimeSpan.MaxValue ? "?" : End.TotalSeconds.ToString("0.000", null)),8}] {Act} {Name} {Ending} version {Version} size {Size} copies {Copies}: {Says}";
}

/// <summary>What a client saw of a name.</summary>
/// <param name="Version">Null: it was told that there is no such movie.</param>
/// <param name="Size">Of the whole movie.</param>
public sealed record Sight(string Name, TimeSpan Start, TimeSpan End, long? Version, long? Size, string Says)
{
    public override string ToString() => $"[{Start.TotalSeconds,8:0.000} {End.TotalSeconds,8:0.000}] saw {Name} version {Version} size {Size}: {Says}";
}

/// <summary>All that clients did and saw, by one clock.</summary>
public sealed class History
{
    private readonly Lock _lock = new();
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private readonly Dictionary<int, Change> _changes = [];
    private readonly List<Sight> _sights = [];
    private readonly List<string> _wrong = [];
    private readonly Dictionary<(string Name, long Size), MovieBytes> _contents = [];
    private readonly List<string> _notes = [];
    private int _answers;

    public TimeSpan Now => TimeProvider.System.GetElapsedTime(_began);

    /// <summary>How often a client was told something definite.</summary>
    public int Answers => Volatile.Read(ref _answers);

    public IReadOnlyList<Change> Changes
    {
        get { lock (_lock) return [.. _changes.Values]; }
    }

    public IReadOnlyList<Sight> Sights
    {
        get { lock (_lock) return [.. _sights]; }
    }

    /// <summary>What is wrong by itself, whatever else happened: bytes that nobody sent.</summary>
    public IReadOnlyList<string> Wrong
    {
        get { lock (_lock) return [.. _wrong]; }
    }

    public IReadOnlyList<string> Notes
    {
        get { lock (_lock) return [.. _notes]; }
    }

    /// <summary>Bytes for an upload of that name, of about that size, unlike any other.</summary>
    public MovieBytes NewContent(string name, long size)
    {
        lock (_lock)
        {
            while (_contents.ContainsKey((name, size))) size++;
            return _contents[(name, size)] = new MovieBytes((ulong)_contents.Count + 1, size);
        }
    }

    public MovieBytes? Content(string name, long size)
    {
        lock (_lock) return _contents.GetValueOrDefault((name, size));
    }

    /// <summary>Stands as <see cref="Ending.Unknown"/> until <see cref="End"/>.</summary>
    public Change Begin(string name, Act act, long? size = null)
    {
        lock (_lock)
        {
            var change = new Change(_changes.Count + 1, name, act, Now, TimeSpan.MaxValue, Ending.Unknown, null, size, null, "");
            return _changes[change.Number] = change;
        }
    }

    public Change End(Change change, Ending ending, string says, long? version = null, int? copies = null)
    {
        if (ending == Ending.Done) Interlocked.Increment(ref _answers);
        // What is unknown may still happen at any time.
        lock (_lock) return _changes[change.Number] = change with { End = ending == Ending.Unknown ? TimeSpan.MaxValue : Now, Ending = ending, Says = says, Version = version, Copies = copies };
    }

    public void Saw(string name, TimeSpan start, long? version, long? size, string says)
    {
        Interlocked.Increment(ref _answers);
        lock (_lock) _sights.Add(new Sight(name, start, Now, version, size, says));
    }

    public void IsWrong(string what)
    {
        lock (_lock) _wrong.Add($"[{Now.TotalSeconds,8:0.000}] {what}");
    }

    public void Note(string what)
    {
        lock (_lock) _notes.Add($"[{Now.TotalSeconds,8:0.000}] {what}");
    }
}
