using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>Whoever heals: told that a movie may lack copies, so that it need not wait for its next turn.</summary>
public interface ICopiesWatch
{
    void LookAgain();

    /// <summary>A node said that it could not make a copy: let another try before it is asked again.</summary>
    void PullFailed(NodeId target, MovieVersion version);
}
