using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Status;

/// <summary>The figures that several pages show, each counted in one place.</summary>
public sealed class MasterStatus(NodeRegistry registry, FileCatalog catalog, IOptions<MasterOptions> options, TimeProvider time)
{
    /// <summary>Counting walks over all movies; who polls must not make it walk more often than this.</summary>
    private static readonly TimeSpan _fresh = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private long _countedAt;
    private int _under = -1;

    public int ActiveNodes => registry.View.AliveCount;

    /// <summary>Movies with fewer counted copies than the replication factor, at most 0.2 s old.</summary>
    public int UnderReplicated
    {
        get
        {
            lock (_gate)
            {
                if (_under >= 0 && time.GetElapsedTime(_countedAt) < _fresh) return _under;
                _under = catalog.Entries.Count(entry => Copies.Count(registry, entry.Replica) < options.Value.ReplicationFactor);
                _countedAt = time.GetTimestamp();
                return _under;
            }
        }
    }
}
