using Mdfs.Gateway.Sources;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Gateways;

/// <summary>The master's word to workers, for front ends to bring.</summary>
public sealed class WindowGrants(NodeTokens tokens, IMasterIdentity identity)
{
    private const long Hour = 3_600_000;

    // A worker whose clock is behind would find what is given at the full hour to live too long. It is told the time when it is half a minute off.
    private const long Behind = 60_000;

    /// <summary>The sources of a version, each with what opens it. The same for an hour, so that nobody has to be told twice.</summary>
    public IReadOnlyList<MovieSource> For(MovieVersion version, IReadOnlyList<ReplicaCandidate> sources)
    {
        var expires = (identity.Now / Hour * Hour) + (long)NodeTokens.MaxGrantLife.TotalMilliseconds - Behind;
        var path = Routes.Worker.ReplicaPath(version);
        return [.. sources.Select(source => new MovieSource(
            source.Worker.Id, source.Worker.Address, source.Damaged, tokens.Grant(path, source.Worker.Id.Value, identity.Epoch, expires)))];
    }
}
