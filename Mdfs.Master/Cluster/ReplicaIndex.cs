using System.Collections.Concurrent;
using System.Collections.Immutable;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>One node's copy of a version, as that node has reported it since the master started.</summary>
/// <param name="Damaged">Some block is bad: readable for its good blocks, not counted.</param>
/// <param name="Verified">Written or read whole and found good in the node's present life.</param>
public readonly record struct Holder(NodeId Node, bool Damaged, bool Verified, long Size, Checksum Checksum)
{
    /// <summary>Whether the bytes are those of this version at all; if not, the copy is quarantined and never read or counted.</summary>
    public bool Agrees(ReplicaDescription replica) => Size == replica.Size && Checksum == replica.Checksum;
}

/// <summary>
/// Which node holds which version, from reports alone. Written under the registry's lock, read without any: a reader sees each version's
/// holders as one immutable array.
/// </summary>
public sealed class ReplicaIndex
{
    private readonly ConcurrentDictionary<MovieVersion, Known> _versions = new();
    private readonly ConcurrentDictionary<FileName, ImmutableArray<MovieVersion>> _names = new();

    public ImmutableArray<Holder> HoldersOf(MovieVersion version) =>
        _versions.TryGetValue(version, out var known) ? known.Holders : [];

    /// <summary>The copies of exactly this replica.</summary>
    public ImmutableArray<Holder> CopiesOf(ReplicaDescription replica)
    {
        var holders = HoldersOf(replica.Version);
        foreach (var holder in holders)
        {
            if (!holder.Agrees(replica)) return holders.RemoveAll(each => !each.Agrees(replica));
        }

        return holders;
    }

    public ReplicaDescription? Describe(MovieVersion version) =>
        _versions.TryGetValue(version, out var known) ? known.Description : null;

    /// <summary>All versions of a name that any node reports, in no order.</summary>
    public ImmutableArray<MovieVersion> VersionsOf(FileName name) => _names.GetValueOrDefault(name, []);

    public IEnumerable<FileName> Names => _names.Select(pair => pair.Key);

    public void Set(NodeId node, ReplicaReport report)
    {
        var version = report.Replica.Version;
        var holder = new Holder(node, report.Damaged, report.Verified, report.Replica.Size, report.Replica.Checksum);
        if (_versions.TryGetValue(version, out var known))
        {
            _versions[version] = known with { Holders = Without(known.Holders, node).Add(holder) };
            return;
        }

        _versions[version] = new Known(report.Replica, [holder]);
        _names.AddOrUpdate(report.Replica.Name, [version], (_, versions) => versions.Add(version));
    }

    public void Remove(NodeId node, MovieVersion version)
    {
        if (!_versions.TryGetValue(version, out var known)) return;
        var rest = Without(known.Holders, node);
        if (!rest.IsEmpty)
        {
            _versions[version] = known with { Holders = rest };
            return;
        }

        _versions.TryRemove(version, out _);
        var name = known.Description.Name;
        var versions = _names.GetValueOrDefault(name, []).Remove(version);
        if (versions.IsEmpty) _names.TryRemove(name, out _);
        else _names[name] = versions;
    }

    private static ImmutableArray<Holder> Without(ImmutableArray<Holder> holders, NodeId node)
    {
        foreach (var holder in holders)
        {
            if (holder.Node == node) return holders.Remove(holder);
        }

        return holders;
    }

    private sealed record Known(ReplicaDescription Description, ImmutableArray<Holder> Holders);
}
