using Mdfs.Protocol.Versions;

namespace Mdfs.Master.Catalog;

/// <summary>
/// Whether the catalog is known to be incomplete: Redis was empty or went back, and workers bring what it has lost. Until no further node
/// has registered for a while, a name that is not in the catalog is not known to be absent: <c>503</c>, not <c>404</c> (design, section 6).
/// </summary>
public sealed class RebuildState
{
    private readonly Lock _gate = new();
    private readonly HashSet<MovieVersion> _abandoned = [];
    private string? _reason;
    private bool _beganEmpty;

    /// <summary>Why the catalog is being rebuilt, as a sentence; null when it is complete.</summary>
    public string? Reason
    {
        get
        {
            lock (_gate) return _reason;
        }
    }

    /// <summary>Redis held nothing when this master took over: a new cluster, unless a worker brings replicas.</summary>
    public bool BeganEmpty
    {
        get
        {
            lock (_gate) return _beganEmpty;
        }
    }

    public void NoteEmpty()
    {
        lock (_gate) _beganEmpty = true;
    }

    public bool Begin(string reason)
    {
        lock (_gate)
        {
            if (_reason is not null) return false;
            _reason = reason;
            return true;
        }
    }

    /// <summary>No further node has registered for a period, and all that was heard has been taken over; true if there was something to end.</summary>
    public bool End()
    {
        lock (_gate)
        {
            var open = _reason is not null || _beganEmpty;
            _reason = null;
            _beganEmpty = false;
            return open;
        }
    }

    /// <summary>A version whose commit this master took back because no worker confirmed it. If one turns up after all, that says nothing about Redis.</summary>
    public void NoteAbandoned(MovieVersion version)
    {
        lock (_gate)
        {
            if (_abandoned.Count >= 10_000) _abandoned.Clear();
            _abandoned.Add(version);
        }
    }

    public bool WasAbandoned(MovieVersion version)
    {
        lock (_gate) return _abandoned.Contains(version);
    }
}
