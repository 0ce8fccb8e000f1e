using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;

namespace Mdfs.Master.Status;

/// <summary>The figures that several pages show, each counted in one place.</summary>
public sealed class MasterStatus(NodeRegistry registry, CopySurvey survey, TimeProvider time)
{
    /// <summary>After a node has gone counting walks over all movies; who polls must not make it walk more often than this.</summary>
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
                _under = survey.UnderReplicated(registry.View);
                _countedAt = time.GetTimestamp();
                return _under;
            }
        }
    }
}
