using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Repair;

/// <summary>
/// Removes surplus copies, one at a time per version, after a grace (design, section 6). The survey only remembers which versions have too
/// many; whether a node's copy goes is decided when its beat is answered.
/// </summary>
public sealed partial class Trimmer(
    NodeRegistry registry, FileCatalog catalog, CatalogSession session, Moves moves, ActivityLog events, IOptions<MasterOptions> options, TimeProvider time, ILogger<Trimmer> logger) : IOrderSource
{
    /// <summary>Judged in one reply: a node that brings a whole library back must not hold up its own beat.</summary>
    private const int MaxPerReply = 200;

    private readonly Lock _gate = new();
    private Dictionary<MovieVersion, Surplus> _surplus = [];
    private Dictionary<MovieVersion, Surplus> _next = [];
    private readonly Dictionary<NodeId, HashSet<MovieVersion>> _verifies = [];

    /// <summary>Versions that have more copies than they need.</summary>
    public int SurplusCount
    {
        get
        {
            lock (_gate) return _surplus.Count;
        }
    }

    /// <summary>Nodes that are wanted for an order of ours.</summary>
    public IReadOnlyCollection<NodeId> Wanted { get; private set; } = [];

    public void BeginSurvey() => _next = [];

    public void NoteSurplus(ReplicaDescription replica)
    {
        lock (_gate) _next[replica.Version] = _surplus.GetValueOrDefault(replica.Version) ?? new Surplus(replica, time.GetTimestamp());
    }

    public void EndSurvey()
    {
        lock (_gate) _surplus = _next;
    }

    /// <summary>Finds out which copies have to be re-read before a surplus one may go, and who should beat soon because of us.</summary>
    public void Plan(ClusterView view, IReadOnlyDictionary<NodeId, NodeActivity> activity)
    {
        var wanted = new HashSet<NodeId>();
        lock (_gate)
        {
            _verifies.Clear();
            foreach (var surplus in _surplus.Values.Take(MaxPerReply))
            {
                var verdict = Judge(view, surplus, activity);
                if (verdict.Remove is { } node) wanted.Add(node);
                foreach (var doubtful in verdict.Verify)
                {
                    if (!_verifies.TryGetValue(doubtful, out var versions)) _verifies[doubtful] = versions = [];
                    if (versions.Add(surplus.Replica.Version)) wanted.Add(doubtful);
                }
            }
        }

        Wanted = wanted;
    }

    public void AddOrders(NodeState node, List<NodeOrder> orders)
    {
        registry.Leaving.Heard(node);
        lock (_gate)
        {
            if (_verifies.Remove(node.Id, out var versions)) orders.AddRange(versions.Select(version => new VerifyOrder(version)));
            if (!session.IsSure || _surplus.Count == 0) return;

            var view = registry.View;
            var activity = registry.States.ToDictionary(state => state.Id, state => new NodeActivity(state.Streams, state.Life is null ? TimeSpan.MaxValue : time.GetElapsedTime(state.LastBeat)));
            var judged = 0;
            foreach (var surplus in _surplus.Values)
            {
                if (!node.Inventory.Contains(surplus.Replica.Version)) continue;
                if (++judged > MaxPerReply) break;
                if (catalog.Find(surplus.Replica.Name)?.Version != surplus.Replica.Version) continue;
                if (Judge(view, surplus, activity).Remove != node.Id) continue;
                registry.Leaving.Note(surplus.Replica.Version, node);
                orders.Add(new DeleteOrder(surplus.Replica.Version, "one copy more than needed"));
                LogTrimmed(surplus.Replica.Name, node.RingKey);
                if (moves.Find(surplus.Replica.Version) is null) events.Tally(ActivityKinds.Trimmed, surplus.Replica.Name, node.RingKey, surplus.Replica.Size);
            }
        }
    }

    private TrimVerdict Judge(ClusterView view, Surplus surplus, IReadOnlyDictionary<NodeId, NodeActivity> activity)
    {
        var rules = new TrimRules(options.Value.PlacementRules, options.Value.ReplicationFactor, options.Value.TrimGrace, options.Value.NodeTimeout);
        var copies = Copies.Of(registry, surplus.Replica);
        return TrimPlanner.Judge(view, new TrimCandidate(surplus.Replica, copies, time.GetElapsedTime(surplus.Since), Named(surplus.Replica.Version, copies)), activity, rules, inGrace: !registry.Settled);
    }

    // While the copy that takes its place is not there the move names nothing: what is too many then is so for another reason.
    private NodeId? Named(MovieVersion version, IReadOnlyList<HeldCopy> copies) =>
        moves.Find(version) is { } move && copies.Any(copy => copy.Node == move.To && !copy.Damaged) ? move.From : null;

    private sealed record Surplus(ReplicaDescription Replica, long Since);

    [LoggerMessage(Level = LogLevel.Information, Message = "Trimming: node {Node} gives up its copy of '{Name}', which has more than it needs.")]
    private partial void LogTrimmed(Protocol.Names.FileName name, string node);
}
