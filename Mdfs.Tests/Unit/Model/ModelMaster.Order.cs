using Mdfs.Master.Catalog;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>What a master does by itself: heal, adopt, bury what workers tell, yield, forget.</summary>
internal sealed partial class ModelMaster
{
    private static readonly RepairRules[] HealingTo = [.. Enumerable.Range(0, 3).Select(copies => new RepairRules(Placing, copies, TimeSpan.Zero))];
    private static readonly TrimRules[] TrimmingTo =
        [.. Enumerable.Range(0, 3).Select(copies => new TrimRules(Placing, copies, TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(5)))];

    private double _surplusSince = double.NaN;
    private MovieVersion _surplusOf;

    private RepairRules Healing => HealingTo[_world.Goal];

    private TrimRules Trimming => TrimmingTo[_world.Goal];

    public void Tick()
    {
        if (Rebuilding && _world.Now - _lastRegistered >= Period && Array.Exists(_nodes, node => node.HasInventory)) Rebuilding = false;
        if (_world.Flaw != Flaw.AgeOnlyWithBeats) WriteAge();
        if (_locked) return;
        // The cluster age is written all the time, under the same conditions as everything else: so a Redis that went back is noticed while nobody
        // changes anything.
        Compare(heard: 0);
        if (Stopped || Memory.Entry is not { } entry) return;
        var missing = new RepairCandidate(entry.Replica, Copies(entry.Version), TimeSpan.Zero);
        var running = from i in Enumerable.Range(0, 3) from version in _nodes[i].Pulling.Keys select new RunningPull(version, Nodes.Id(i + 1));
        foreach (var pull in RepairPlanner.Plan(View(), [missing], [.. running], Activity(), Healing, InGrace || Rebuilding))
        {
            var node = _nodes[WorkerOf(pull.Target).Number];
            node.Pulls.Add(pull.Order);
            node.Pulling[pull.Order.Replica.Version] = _world.Now;
        }
    }

    /// <summary>The next change that the catalog needs, or null; runs under the name's lock.</summary>
    public IEnumerable<Func<bool>>? Maintain()
    {
        if (_locked || Next() is not { } change) return null;
        _locked = true;
        _world.Say($"{this} {change.Why}");
        return Run();

        IEnumerable<Func<bool>> Run()
        {
            var outcome = new Outcome();
            foreach (var wait in Commit(change.Next, outcome)) yield return wait;
            if (outcome.Done && change.Forgotten > _forgotten) _forgotten = change.Forgotten;
            Unlock();
        }
    }

    private (Said Next, string Why, MovieVersion Forgotten)? Next()
    {
        foreach (var told in _nodes.Select(node => node.Tombstone).OfType<Tombstone>())
        {
            if (told.Bound <= _forgotten || TombstoneRules.Merge(Memory.Tombstone, told) == Memory.Tombstone) continue;
            var entry = Memory.Entry is { } covered && told.Covers(covered.Version) ? null : Memory.Entry;
            return (Memory with { Entry = entry, Tombstone = told }, $"is told of a tombstone up to {told.Bound}", default);
        }

        if (Rebuilding || InGrace) return _world.Flaw == Flaw.AdoptWhileRebuilding ? Adoption() : null;
        return Adoption() ?? Yielding() ?? Forgetting();
    }

    private (Said, string, MovieVersion)? Adoption()
    {
        var best = _nodes
            .SelectMany(node => node.Sealed.Where(report => Reconciliation.Judge(
                report, Memory.Entry, Memory.Tombstone, Absence.IsTooLong(node.SettledAge, ClusterAge, Retention), World.ClusterId) == ReplicaVerdict.Adopt))
            .MaxBy(report => report.Replica.Version);
        return best is null ? null : (Memory with { Entry = new CatalogEntry(best.Replica, []) }, $"adopts {best.Replica.Version}", default);
    }

    private (Said, string, MovieVersion)? Yielding()
    {
        if (Memory.Entry is not { } entry) return null;
        var (registered, reported, prepared) = Heard(entry);
        var held = _nodes.SelectMany(node => node.Sealed.Select(report => new SealedReplica(
            report, Absence.IsTooLong(node.SettledAge, ClusterAge, Retention))));
        return EntryYield.To(entry, Memory.Tombstone, [.. held], prepared, registered, reported) is { } lower
            ? (Memory with { Entry = new CatalogEntry(lower, []) }, $"lets {entry.Version} yield to {lower.Version}", default)
            : null;
    }

    private bool IsLost()
    {
        if (Memory.Entry is not { } entry) return false;
        var (registered, reported, prepared) = Heard(entry);
        return EntryYield.IsLost(entry, _nodes.SelectMany(node => node.Sealed.Select(report => report.Replica.Version)), prepared, registered, reported);
    }

    private (IEnumerable<NodeId> Registered, HashSet<NodeId> Reported, bool Prepared) Heard(CatalogEntry entry) => (
        Enumerable.Range(0, 3).Where(i => _nodes[i].LastHeard is not null).Select(i => Nodes.Id(i + 1)),
        Enumerable.Range(0, 3)
            .Where(i => _nodes[i].Counted && (_nodes[i].InventoryAt > _currentSince || _world.Flaw == Flaw.YieldByOldInventory))
            .Select(i => Nodes.Id(i + 1)).ToHashSet(),
        _nodes.Any(node => node.Prepared.Any(part => part.Upload == entry.Replica.Upload)));

    private (Said, string, MovieVersion)? Forgetting()
    {
        if (Memory.Tombstone is not { } tombstone) return null;
        var needed = _nodes.Any(node => node.Sealed.Exists(report => tombstone.Covers(report.Replica.Version)));
        var presence = _nodes.Where(node => node.LastHeard is not null).Select(node => new NodePresence(node.Counted, node.LastHeard!.Value));
        var may = _world.Flaw == Flaw.ForgetTombstoneByCount
            ? Enumerable.Range(0, 3).Where(IsAlive).All(i => _nodes[i].Tombstone?.Bound >= tombstone.Bound)
            : TombstoneRules.MayForget(tombstone, ClusterAge, Retention, needed, presence);
        return may ? (Memory with { Tombstone = null }, $"forgets the tombstone up to {tombstone.Bound}", tombstone.Bound) : null;
    }

    private TrimCandidate Surplus(ReplicaDescription replica)
    {
        var copies = Copies(replica.Version);
        if (copies.Count <= _world.Goal || _surplusOf != replica.Version)
            (_surplusOf, _surplusSince) = (replica.Version, copies.Count <= _world.Goal ? double.NaN : _world.Now);
        else if (double.IsNaN(_surplusSince)) _surplusSince = _world.Now;
        return new TrimCandidate(replica, copies, TimeSpan.FromSeconds(double.IsNaN(_surplusSince) ? 0 : _world.Now - _surplusSince));
    }
}
