using System.Collections.Immutable;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Which node holds which version, from reports alone. Written under the registry's lock, read without any: a reader sees each version's
/// holders as they were at one moment.
/// </summary>
/// <remarks>
/// There is one of everything per movie, so it is the largest thing in the master's memory beside the catalog. What is here replaces two <c>ConcurrentDictionary</c> and an array of holders for each
/// version: 88 bytes per movie instead of 260 (docs/scale.md).
/// </remarks>
public sealed class ReplicaIndex
{
    private readonly NodeNumbers _nodes = new();
    private Table _table = new(1024);
    private int _count;

    /// <summary>
    /// Raised with the name of a version whose copies may count otherwise than before. Under the registry's lock, after readers can see the change: handlers take note and return.
    /// </summary>
    public event Action<FileName>? Changed;

    public Holders HoldersOf(MovieVersion version) => Now.Find(version)?.Read(_nodes) ?? default;

    /// <summary>The copies of exactly this replica.</summary>
    public Holders CopiesOf(ReplicaDescription replica)
    {
        var holders = HoldersOf(replica.Version);
        foreach (var holder in holders)
        {
            if (!holder.Agrees(replica)) return new Holders([.. holders.Where(each => each.Agrees(replica))]);
        }

        return holders;
    }

    /// <summary>What a copy on each node is worth, for <see cref="Tally"/>.</summary>
    public CopyWorth WorthIn(ClusterView view) => new(view, _nodes);

    /// <summary>The copies of exactly this replica, counted.</summary>
    public CopyTally Tally(ReplicaDescription replica, CopyWorth worth) => Now.Find(replica.Version)?.Tally(replica, worth) ?? default;

    public ReplicaDescription? Describe(MovieVersion version) => Now.Find(version)?.Description;

    /// <summary>All versions of a name that any node reports, in no order.</summary>
    public ImmutableArray<MovieVersion> VersionsOf(FileName name)
    {
        ImmutableArray<MovieVersion> versions = [];
        for (var known = Now.First(name); known is not null; known = known.NextOfName)
        {
            if (known.Description.Name == name) versions = versions.Add(known.Version);
        }

        return versions;
    }

    /// <summary>All names of which a node reports a version.</summary>
    public IEnumerable<FileName> Names
    {
        get
        {
            foreach (var first in Now.ByName)
            {
                for (var known = first; known is not null; known = known.NextOfName)
                {
                    if (IsFirstOfItsName(first!, known)) yield return known.Description.Name;
                }
            }
        }
    }

    /// <summary>What a node reports of a version, if what it holds is what the version is described by here; null: it holds none.</summary>
    public ReplicaReport? ReportOf(NodeId node, MovieVersion version)
    {
        if (Now.Find(version) is not { } known) return null;
        return known.Find(node, _nodes) is { } holder ? new ReplicaReport(known.Description, holder.Damaged, holder.Verified) : null;
    }

    /// <returns>False: the version is described otherwise here, as another node has reported it.</returns>
    public bool Set(NodeId node, ReplicaReport report)
    {
        var holder = new Holder(_nodes.Share(node), report.Damaged, report.Verified, report.Replica.Size, report.Replica.Checksum);
        if (_table.Find(report.Replica.Version) is not { } known)
        {
            if (_count == _table.Capacity) Volatile.Write(ref _table, _table.Twice());
            _table.Add(new Known(report.Replica, [holder], _nodes));
            _count++;
            Changed?.Invoke(report.Replica.Name);
            return true;
        }

        var before = known.Find(node, _nodes);
        var same = known.Description == report.Replica;
        // The last to come is the catalog's own, and what it replaces need not stay in memory.
        if (same) known.Description = report.Replica;
        known.Put([.. known.Without(node, _nodes), holder], _nodes);
        // Most reports repeat what is known, or tell that it was re-read.
        if (before is not { } old || old with { Verified = holder.Verified } != holder) Changed?.Invoke(report.Replica.Name);
        return same;
    }

    public void Remove(NodeId node, MovieVersion version)
    {
        if (_table.Find(version) is not { } known) return;
        Holder[] rest = [.. known.Without(node, _nodes)];
        if (rest.Length > 0)
        {
            known.Put(rest, _nodes);
        }
        else
        {
            _table.Remove(known);
            _count--;
        }

        Changed?.Invoke(known.Description.Name);
    }

    private Table Now => Volatile.Read(ref _table);

    private static bool IsFirstOfItsName(Known first, Known known)
    {
        for (var other = first; other != known && other is not null; other = other.NextOfName)
        {
            if (other.Description.Name == known.Description.Name) return false;
        }

        return true;
    }

    /// <summary>A version and who holds it. A link in two chains, so that nothing has to be kept but itself.</summary>
    private sealed class Known
    {
        private ReplicaDescription _description;
        private ulong _few;
        private Holder[]? _many;

        public Known(ReplicaDescription description, ReadOnlySpan<Holder> holders, NodeNumbers nodes)
        {
            (_description, Version) = (description, description.Version);
            Put(holders, nodes);
        }

        /// <summary>The same in another table.</summary>
        public Known(Known other) => (_description, Version, _few, _many) = (other._description, other.Version, other._few, other._many);

        public Known? NextOfVersion;

        public Known? NextOfName;

        public ReplicaDescription Description
        {
            get => Volatile.Read(ref _description);
            set => Volatile.Write(ref _description, value);
        }

        // Not read from the description: whoever passes by in a chain would wait for memory that is as far away as any other movie.
        public MovieVersion Version { get; }

        public Holders Read(NodeNumbers nodes) =>
            Volatile.Read(ref _many) is { } many ? new Holders(many) : new Holders(Description, new PackedHolders(Volatile.Read(ref _few)), nodes);

        public Holder? Find(NodeId node, NodeNumbers nodes)
        {
            foreach (var holder in Read(nodes))
            {
                if (holder.Node == node) return holder;
            }

            return null;
        }

        public CopyTally Tally(ReplicaDescription replica, CopyWorth worth)
        {
            var tally = default(CopyTally);
            if (Volatile.Read(ref _many) is not { } many)
                return Description.Size == replica.Size && Description.Checksum == replica.Checksum ? new PackedHolders(Volatile.Read(ref _few)).Tally(worth) : tally;
            foreach (var holder in many)
            {
                if (holder.Agrees(replica)) tally = worth.Add(tally, holder.Node, holder.Damaged);
            }

            return tally;
        }

        public IEnumerable<Holder> Without(NodeId node, NodeNumbers nodes) => Read(nodes).Where(holder => holder.Node != node);

        public void Put(ReadOnlySpan<Holder> holders, NodeNumbers nodes)
        {
            // A reader looks for many first: whichever of the two it finds was whole at some moment.
            if (PackedHolders.TryPack(holders, _description, nodes) is { } few)
            {
                Volatile.Write(ref _few, few.Slots);
                Volatile.Write(ref _many, null);
            }
            else
            {
                Volatile.Write(ref _many, holders.ToArray());
            }
        }
    }

    /// <summary>Chains by version and by name. One writer; readers follow links that are only ever put in front or taken out.</summary>
    private sealed class Table(int capacity)
    {
        private readonly Known?[] _byVersion = new Known?[capacity];

        /// <summary>A power of two.</summary>
        public int Capacity => capacity;

        public Known?[] ByName { get; } = new Known?[capacity];

        public Known? Find(MovieVersion version)
        {
            for (var known = Volatile.Read(ref _byVersion[Place(version)]); known is not null; known = Volatile.Read(ref known.NextOfVersion))
            {
                if (known.Version == version) return known;
            }

            return null;
        }

        public Known? First(FileName name) => Volatile.Read(ref ByName[Place(name)]);

        public void Add(Known known)
        {
            ref var first = ref _byVersion[Place(known.Version)];
            known.NextOfVersion = first;
            ref var firstOfName = ref ByName[Place(known.Description.Name)];
            known.NextOfName = firstOfName;
            Volatile.Write(ref first, known);
            Volatile.Write(ref firstOfName, known);
        }

        public void Remove(Known known)
        {
            ref var link = ref _byVersion[Place(known.Version)];
            while (link != known) link = ref link!.NextOfVersion;
            Volatile.Write(ref link, known.NextOfVersion);
            link = ref ByName[Place(known.Description.Name)];
            while (link != known) link = ref link!.NextOfName;
            Volatile.Write(ref link, known.NextOfName);
        }

        /// <summary>All of it in new links, so that whoever reads the old ones sees nothing move.</summary>
        public Table Twice()
        {
            var twice = new Table(2 * capacity);
            foreach (var first in _byVersion)
            {
                for (var known = first; known is not null; known = known.NextOfVersion) twice.Add(new Known(known));
            }

            return twice;
        }

        // Versions are microseconds, and those of movies stored one after the other are alike but for their last digits. One product alone spreads some rows of them badly: of 100 000 versions in
        // a row, seven went to each place that had any.
        private int Place(MovieVersion version)
        {
            var bits = (ulong)version.Number;
            bits = (bits ^ (bits >> 30)) * 0xBF58_476D_1CE4_E5B9;
            bits = (bits ^ (bits >> 27)) * 0x94D0_49BB_1331_11EB;
            return (int)(bits >> 32) & (capacity - 1);
        }

        private int Place(FileName name) => name.GetHashCode() & (capacity - 1);
    }
}
