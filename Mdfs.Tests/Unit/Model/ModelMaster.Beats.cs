using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>A beat comes in, orders go out.</summary>
internal sealed partial class ModelMaster
{
    private readonly Dictionary<MovieVersion, double> _supersededSince = [];
    private long _replies;
    private MovieVersion _forgotten;

    /// <summary>The reply, or null when the beat is stale or this master has just ended.</summary>
    public ModelReply? Answer(ModelBeat beat)
    {
        if (beat.Epoch > Epoch && _world.Flaw != Flaw.WorkersIgnoreEpochs) Compare(beat.Epoch);
        var node = _nodes[beat.From.Number];
        if (Stopped || beat.Life < node.Life || (beat.Life == node.Life && beat.Number <= node.Number)) return null;

        Take(node, beat);
        var orders = new List<NodeOrder>();
        var number = ++_replies;
        var settled = node.HasInventory && node.Counted && !Rebuilding && !InGrace;
        if (node.HasInventory) settled &= Judge(beat, node, number, orders);
        orders.AddRange(node.Pulls);
        node.Pulls.Clear();
        var tombstone = Memory.Tombstone is { } ours && (node.Tombstone is null || node.Tombstone.Bound < ours.Bound) ? ours : null;
        var forget = Memory.Tombstone is null ? _forgotten : MovieVersion.None;
        return new ModelReply(beat, number, Epoch, ClusterAge, Memory.Highest, tombstone, forget, settled && tombstone is null, orders);
    }

    private void Take(ModelNode node, ModelBeat beat)
    {
        if (node.Life != beat.Life || node.LastHeard is null || double.IsNegativeInfinity(node.LastBeat)) _lastRegistered = _world.Now;
        if (node.Life != beat.Life) node.Forget();
        // A worker knows a version or a deletion that Redis had never heard of when it was loaded: it went back.
        if (beat.Highest > Memory.Highest) Rebuild();
        Hear(beat.Highest);
        ClusterAge = Math.Max(ClusterAge, beat.ClusterAge);
        (node.Life, node.Number, node.LastBeat, node.LastHeard, node.SettledAge) = (beat.Life, beat.Number, _world.Now, ClusterAge, beat.SettledAge);
        WriteAge();
        if (!beat.HasInventory) return;

        (node.HasInventory, node.InventoryAt) = (true, _world.Step);
        node.Counted = beat.Epoch == Epoch || _world.Flaw == Flaw.WorkersIgnoreEpochs;
        node.Sealed.Clear();
        node.Sealed.AddRange(beat.Sealed);
        (node.Prepared, node.Tombstone) = (beat.Prepared, beat.Tombstone);
        foreach (var (version, ordered) in node.Leaving)
            if (!node.Sealed.Exists(report => report.Replica.Version == version) || (beat.Epoch == Epoch && beat.AppliedReply >= ordered))
                node.Leaving.Remove(version);
        foreach (var (version, since) in node.Pulling)
            if (_world.Now - since > 60 || node.Sealed.Exists(report => report.Replica.Version == version && !report.Damaged)) node.Pulling.Remove(version);
    }

    private bool Judge(ModelBeat beat, ModelNode node, long number, List<NodeOrder> orders)
    {
        var settled = true;
        var sure = !Rebuilding && !InGrace;
        var away = Absence.IsTooLong(node.SettledAge, ClusterAge, Retention);
        foreach (var report in node.Sealed)
        {
            var version = report.Replica.Version;
            switch (Reconciliation.Judge(report, Memory.Entry, Memory.Tombstone, away, World.ClusterId))
            {
                case ReplicaVerdict.Buried:
                    Remove("it was deleted");
                    settled = false;
                    break;
                case ReplicaVerdict.Conflict or ReplicaVerdict.OtherCluster:
                    orders.Add(new QuarantineOrder(version, "conflict"));
                    settled = false;
                    break;
                case ReplicaVerdict.TooLongAway:
                    if (sure) orders.Add(new QuarantineOrder(version, "away too long"));
                    settled = false;
                    break;
                case ReplicaVerdict.Superseded:
                    // It may have been deleted, and the deletion forgotten: while it is here, the node counts as having been away.
                    settled &= !away;
                    if (away && sure && IsLost())
                    {
                        orders.Add(new QuarantineOrder(version, "nothing is left of the current version"));
                        break;
                    }

                    if (!_supersededSince.TryAdd(version, _world.Now) && sure && IsDue(version)) Remove("it was superseded");
                    break;
                case ReplicaVerdict.Copy or ReplicaVerdict.DamagedCopy:
                    var verdict = TrimPlanner.Judge(View(), Surplus(Memory.Entry!.Replica), Activity(), Trimming, !sure);
                    if (verdict.Remove == beat.From.Id) Remove("there are enough");
                    if (verdict.Verify.Contains(beat.From.Id)) orders.Add(new VerifyOrder(version));
                    break;
            }

            void Remove(string why)
            {
                orders.Add(new DeleteOrder(version, why));
                if (_world.Flaw != Flaw.DeleteOrdersWithoutLife) node.Leaving[version] = number;
            }
        }

        foreach (var part in node.Prepared)
        {
            var committed = Memory.Entry?.Replica.Upload == part.Upload ? Memory.Entry : null;
            var mayComeBack = _putBack?.Replica.Upload == part.Upload && _world.Flaw != Flaw.DiscardWhatIsPutBack;
            var verdict = Reconciliation.Judge(part, committed, Open.Contains(part.Upload) || mayComeBack);
            if (verdict == PreparedVerdict.Seal) orders.Add(new SealOrder(committed!.Replica));
            if (verdict == PreparedVerdict.Discard && sure) orders.Add(new DiscardOrder(part.Upload));
        }

        return settled;
    }

    private bool IsDue(MovieVersion version)
    {
        var view = View();
        return _world.Flaw == Flaw.RemoveSupersededAtOnce || SupersededRemoval.IsDue(
            TimeSpan.FromSeconds(_world.Now - _supersededSince[version]), TimeSpan.FromHours(1), streamOpen: false,
            Mdfs.Master.Cluster.Copies.Count(view, Copies(Memory.Entry!.Version)), CopyGoal.Of(_world.Goal, view));
    }

    private List<HeldCopy> Copies(MovieVersion version)
    {
        var copies = new List<HeldCopy>(3);
        for (var i = 0; i < 3; i++)
            if (_nodes[i] is { Counted: true } node && node.Sealed.Find(report => report.Replica.Version == version) is { } report)
                copies.Add(new HeldCopy(Nodes.Id(i + 1), report.Damaged,
                    report.Verified || _world.Flaw == Flaw.TrimUnverified, node.Leaving.ContainsKey(version)));
        return copies;
    }
}
