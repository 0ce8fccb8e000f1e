using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>A sealed replica on a model worker's disk.</summary>
internal sealed class ModelReplica(ReplicaDescription description)
{
    public ReplicaDescription Description => description;

    /// <summary>A bad block that nobody has read yet.</summary>
    public bool Rotten { get; set; }

    public bool Damaged { get; set; }

    /// <summary>Belongs to the life, not to the disk.</summary>
    public bool Verified { get; set; } = true;

    public ReplicaReport Report => new(description, Damaged, Verified);
}

/// <summary>A beat as it left the worker.</summary>
internal sealed record ModelBeat(
    ModelWorker From, ModelMaster To, int Life, long Number, double SentAt, long Epoch, MovieVersion Highest, double ClusterAge, double SettledAge,
    long AppliedReply, bool HasInventory, ReplicaReport[] Sealed, PreparedReport[] Prepared, Tombstone? Tombstone);

/// <summary>The reply to it.</summary>
internal sealed record ModelReply(
    ModelBeat To, long Number, long Epoch, double ClusterAge, MovieVersion Highest, Tombstone? Tombstone, MovieVersion Forget, bool Settled,
    List<NodeOrder> Orders);

/// <summary>One worker: what is on its disk survives a crash, the rest does not.</summary>
internal sealed class ModelWorker(World world, int number)
{
    private readonly List<PullOrder> _pulls = [];
    private long _number;
    private long _appliedReply;
    private ModelMaster? _appliedOf;
    private double _ageAtStart;

    public NodeId Id { get; } = Nodes.Id(number + 1);
    public int Number => number;
    public bool Up { get; private set; } = true;
    public int Life { get; private set; } = 1;
    public double LastBeat { get; private set; } = double.NegativeInfinity;

    // On disk.
    public SortedDictionary<long, ModelReplica> Sealed { get; } = [];
    public Dictionary<UploadId, (ReplicaDescription Bytes, double Age)> Prepared { get; } = [];

    /// <summary>What was put aside, and whether the node had truly been away too long.</summary>
    public List<(ReplicaDescription Replica, bool Rightly)> Quarantine { get; } = [];

    public Tombstone? Tombstone { get; private set; }
    public long Epoch { get; private set; }
    public MovieVersion Highest { get; private set; }
    public double ClusterAge { get; private set; }
    public double SettledAge { get; private set; }

    public IReadOnlyList<PullOrder> Pulls => _pulls;

    public void Crash()
    {
        Up = false;
        _pulls.Clear();
    }

    public void Start()
    {
        Up = true;
        Life++;
        (_number, _appliedReply, _ageAtStart, LastBeat) = (0, 0, ClusterAge, double.NegativeInfinity);
        foreach (var replica in Sealed.Values) replica.Verified = false;
        // A crash may have come between the tombstone and the bytes.
        RemoveCovered();
    }

    public ModelBeat Beat(ModelMaster to, bool inventory)
    {
        LastBeat = world.Now;
        return new ModelBeat(
            this, to, Life, ++_number, world.Now, Epoch, Highest, ClusterAge, world.Flaw == Flaw.AbsenceSinceLastHeard ? _ageAtStart : SettledAge,
            to == _appliedOf ? _appliedReply : 0, inventory, [.. Sealed.Values.Select(replica => replica.Report)],
            [.. Prepared.Values.Select(part => new PreparedReport(part.Bytes.Upload, part.Bytes.Size, part.Bytes.Checksum, ClusterAge - part.Age))],
            Tombstone);
    }

    /// <summary>Whether it listens to a master of this epoch, which it then keeps.</summary>
    public bool Obeys(long epoch)
    {
        if (world.Flaw == Flaw.WorkersIgnoreEpochs) return true;
        if (epoch < Epoch) return false;
        Epoch = epoch;
        return true;
    }

    public long Receipt() => ++_number;

    public void Prepare(ReplicaDescription bytes) => Prepared[bytes.Upload] = (bytes, ClusterAge);

    public bool Seal(ReplicaDescription replica)
    {
        Hear(replica.Version);
        if (Tombstone?.Covers(replica.Version) == true) return false;
        if (Sealed.TryGetValue(replica.Version.Number, out var held) && !(held.Damaged && Prepared.ContainsKey(replica.Upload)))
        {
            // A pull was faster than the order to seal: the prepared bytes are of no more use, unless they are better.
            Prepared.Remove(replica.Upload);
            return true;
        }

        if (!Prepared.TryGetValue(replica.Upload, out var part) || part.Bytes.Checksum != replica.Checksum) return false;
        Sealed[replica.Version.Number] = new ModelReplica(replica);
        Prepared.Remove(replica.Upload);
        return true;
    }

    /// <summary>The tombstone is on disk before any byte goes; a crash may fall between the two.</summary>
    public void Bury(Tombstone tombstone, bool crashBetween = false)
    {
        Hear(tombstone.Bound);
        if (world.Flaw != Flaw.TombstonesOnlyInRedis) Tombstone = TombstoneRules.Merge(Tombstone, tombstone);
        if (crashBetween) Crash();
        else RemoveCovered(tombstone);
    }

    /// <summary>Carries out a reply; the crash, if any, comes after so many of its steps.</summary>
    public void Obey(ModelReply reply, int crashAfter)
    {
        // Numbers belong to one master, not to one epoch: after Redis went back two of them may bear the same.
        var inOrder = reply.To.To != _appliedOf || reply.Number > _appliedReply;
        if (!Obeys(reply.Epoch) || (!inOrder && world.Flaw is not (Flaw.DeleteOrdersWithoutLife or Flaw.WorkersIgnoreEpochs))) return;
        Hear(reply.Highest);
        ClusterAge = Math.Max(ClusterAge, reply.ClusterAge);
        if (crashAfter-- == 0) { Crash(); return; }
        if (reply.Tombstone is { } tombstone) Bury(tombstone);
        if (reply.Forget > MovieVersion.None && Tombstone is { } old && old.Bound <= reply.Forget) Tombstone = null;
        if (crashAfter-- == 0) { Crash(); return; }
        foreach (var order in reply.Orders)
        {
            if (order.RemovesBytes && world.Now - reply.To.SentAt > NodeOrder.Life.TotalSeconds && world.Flaw != Flaw.DeleteOrdersWithoutLife) continue;
            CarryOut(order, reply.ClusterAge);
            if (crashAfter-- == 0) { Crash(); return; }
        }

        if (reply.Settled) SettledAge = Math.Max(SettledAge, reply.ClusterAge);
        (_appliedOf, _appliedReply) = (reply.To.To, reply.Number);
    }

    /// <summary>Finishes one pull: the source is read now, and every block is checked.</summary>
    public void FinishPull(int index)
    {
        var order = _pulls[index];
        _pulls.RemoveAt(index);
        var version = order.Replica.Version.Number;
        if (Tombstone?.Covers(order.Replica.Version) == true) return;
        foreach (var source in order.Sources)
        {
            var from = world.Workers.First(worker => worker.Id == source.Node);
            if (!from.Up || !from.Sealed.TryGetValue(version, out var replica)) continue;
            if (replica.Rotten)
            {
                replica.Damaged = true;
                continue;
            }

            Hear(order.Replica.Version);
            Sealed[version] = new ModelReplica(order.Replica);
            return;
        }
    }

    private void CarryOut(NodeOrder order, double clusterAge)
    {
        switch (order)
        {
            case DeleteOrder delete:
                Sealed.Remove(delete.Version.Number);
                break;
            case QuarantineOrder quarantine when Sealed.Remove(quarantine.Version.Number, out var replica):
                Quarantine.Add((replica.Description, Absence.IsTooLong(SettledAge, clusterAge, ModelMaster.Retention)));
                break;
            case SealOrder seal:
                Seal(seal.Replica);
                break;
            case DiscardOrder discard:
                Prepared.Remove(discard.Upload);
                break;
            case PullOrder pull when !_pulls.Exists(other => other.Replica.Version == pull.Replica.Version):
                _pulls.Add(pull);
                break;
            case VerifyOrder verify when Sealed.TryGetValue(verify.Version.Number, out var replica):
                replica.Damaged = replica.Rotten;
                replica.Verified = !replica.Rotten;
                break;
        }
    }

    private void Hear(MovieVersion version) => Highest = MovieVersion.Max(Highest, version);

    private void RemoveCovered(Tombstone? tombstone = null)
    {
        tombstone ??= Tombstone;
        if (tombstone is null) return;
        foreach (var version in Sealed.Keys.Where(version => tombstone.Covers(new MovieVersion(version))).ToList()) Sealed.Remove(version);
    }
}
