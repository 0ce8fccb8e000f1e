using System.Collections.Immutable;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Repair;

/// <summary>A movie that has not the copies it should have: too few, or too many.</summary>
/// <param name="Lacks">Fewer count than the goal is; else there are more than that on live nodes.</param>
public readonly record struct SurveyedMovie(CatalogEntry Entry, CopyTally Copies, bool Lacks);

/// <summary>
/// Which movies lack copies, and which have too many. What follows of a movie follows from its entry, from what nodes report of it, and from which of them count: so only those are looked at of which
/// one of these has changed, and all when the goal has. No time is asked for here; whoever waits for a grace finds those that are not in order in every look.
/// </summary>
/// <remarks>A look at a million movies every ten seconds took half a core when each was counted by itself (docs/scale.md).</remarks>
public sealed class CopySurvey
{
    /// <summary>Movies noted between two looks; of more than that all are looked at, which costs about as much.</summary>
    private const int MostTouched = 100_000;

    /// <summary>All are looked at so often in any case: a change that nobody told would else stay unseen until the next start.</summary>
    private static readonly TimeSpan _wholeEvery = TimeSpan.FromMinutes(10);

    private readonly NodeRegistry _registry;
    private readonly FileCatalog _catalog;
    private readonly IOptions<MasterOptions> _options;
    private readonly TimeProvider _time;
    private readonly Lock _looking = new();
    private readonly Lock _noting = new();
    private readonly Dictionary<FileName, SurveyedMovie> _found = [];
    private HashSet<FileName> _touched = [];
    private bool _allTouched = true;
    private Seen? _seenFor;
    private long _wholeAt;
    private int _lacking;

    public CopySurvey(NodeRegistry registry, FileCatalog catalog, IOptions<MasterOptions> options, TimeProvider time)
    {
        (_registry, _catalog, _options, _time) = (registry, catalog, options, time);
        catalog.Changed += (name, _, _) => Touch(name);
        catalog.Replaced += TouchAll;
        registry.Replicas.Changed += Touch;
    }

    // Not asked for by the constructor: this is made while the routes are, and what is wrong with an option is said by the host before anything has begun.
    private int Wanted => _options.Value.ReplicationFactor;

    /// <summary>Movies that were counted by the last look.</summary>
    public int LookedAt { get; private set; }

    /// <summary>Movies that lack copies or have too many, as things stand.</summary>
    public IReadOnlyList<SurveyedMovie> Look(ClusterView view)
    {
        lock (_looking)
        {
            Refresh(view);
            return [.. _found.Values];
        }
    }

    /// <summary>Movies with fewer counted copies than the replication factor.</summary>
    public int UnderReplicated(ClusterView view)
    {
        // Of fewer nodes than that none can have so many, and what lacks nothing is not kept here.
        if (CopyGoal.Of(Wanted, view) < Wanted) return _catalog.Count;
        lock (_looking)
        {
            Refresh(view);
            return _lacking;
        }
    }

    private void Touch(FileName name)
    {
        lock (_noting)
        {
            if (!_allTouched && _touched.Add(name) && _touched.Count > MostTouched) TouchAll();
        }
    }

    private void TouchAll()
    {
        lock (_noting) (_allTouched, _touched) = (true, []);
    }

    private void Refresh(ClusterView view)
    {
        // What is noted was changed before: who takes the notes first and counts then misses nothing, at most it counts once more.
        var (all, touched) = Take();
        var goal = CopyGoal.Of(Wanted, view);
        var seenFor = new Seen(goal, [.. view.Nodes.Select(static node => (node.Id, CopyWorth.Of(node)))]);
        var whole = all || _time.GetElapsedTime(_wholeAt) >= _wholeEvery || seenFor.ChangesSince(_seenFor) is not { } changed || !AddHeldBy(changed, touched);
        // Should this end early, all are looked at by the next.
        _seenFor = null;
        var worth = _registry.Replicas.WorthIn(view);
        LookedAt = 0;
        if (whole)
        {
            _found.Clear();
            foreach (var entry in _catalog.Entries) Count(entry, worth, goal);
            _lacking = _found.Values.Count(static movie => movie.Lacks);
            _wholeAt = _time.GetTimestamp();
        }
        else
        {
            foreach (var name in touched)
            {
                if (_found.Remove(name, out var before) && before.Lacks) _lacking--;
                if (_catalog.Find(name) is { } entry && Count(entry, worth, goal)) _lacking++;
            }
        }

        _seenFor = seenFor;
    }

    /// <summary>What is held by nodes of which it counts otherwise than before, or does not any more. What a node does not hold any more was noted when that was heard.</summary>
    /// <returns>False: that is so much that looking at all is quicker.</returns>
    private bool AddHeldBy(IReadOnlyList<NodeId> nodes, HashSet<FileName> touched)
    {
        if (nodes.Count == 0) return true;
        lock (_registry.Gate)
        {
            var states = nodes.Select(_registry.Find).OfType<NodeState>().ToList();
            if (states.Sum(static state => state.Inventory.Count) > _catalog.Count / 2) return false;
            foreach (var version in states.SelectMany(static state => state.Inventory.Versions))
                if (_registry.Replicas.Describe(version) is { } replica) touched.Add(replica.Name);
        }

        return true;
    }

    private (bool All, HashSet<FileName> Touched) Take()
    {
        lock (_noting)
        {
            var taken = (_allTouched, _touched);
            (_allTouched, _touched) = (false, []);
            return taken;
        }
    }

    /// <returns>Whether it lacks copies.</returns>
    private bool Count(CatalogEntry entry, CopyWorth worth, int goal)
    {
        LookedAt++;
        var copies = _registry.Replicas.Tally(entry.Replica, worth);
        var lacks = copies.Counted < goal;
        if (lacks || copies.Live > goal) _found[entry.Name] = new SurveyedMovie(entry, copies, lacks);
        return lacks;
    }

    /// <summary>What a look depends on beside the movies themselves.</summary>
    private sealed record Seen(int Goal, ImmutableArray<(NodeId Node, CopyWorth.Worth Worth)> Nodes)
    {
        /// <summary>Nodes whose copies are worth something else now; null: there was no look, or it had another goal.</summary>
        public IReadOnlyList<NodeId>? ChangesSince(Seen? before)
        {
            if (before is null || before.Goal != Goal) return null;
            return Nodes.AsSpan().SequenceEqual(before.Nodes.AsSpan()) ? [] : [.. Nodes.Except(before.Nodes).Concat(before.Nodes.Except(Nodes)).Select(static node => node.Node).Distinct()];
        }
    }
}
