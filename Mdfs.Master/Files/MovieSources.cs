using Mdfs.Gateway.Sources;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Files;

/// <summary>Who has the bytes of a movie at this moment.</summary>
public sealed class MovieSources(NodeRegistry registry, StreamCounter streams)
{
    /// <summary>Who may be read: whole copies on live nodes first, then damaged ones for their good blocks, then whoever is remembered to have had one.</summary>
    public IReadOnlyList<ReplicaCandidate> Of(CatalogEntry entry)
    {
        var view = registry.View;
        var candidates = new List<ReplicaCandidate>(4);
        Add(holder => !holder.Damaged, alive: true);
        Add(holder => holder.Damaged, alive: true);
        if (candidates.Count == 0)
        {
            // Right after a start nobody has reported yet; and a silent node may still answer.
            Add(_ => true, alive: false);
            foreach (var id in entry.Hint)
            {
                if (view.Find(id) is { Address.Length: > 0 } node && !Knows(id)) candidates.Add(NodeView.AddressOf(node));
            }
        }

        return candidates;

        bool Knows(NodeId id) => candidates.Exists(candidate => candidate.Worker.Id == id);

        void Add(Func<Holder, bool> which, bool alive)
        {
            foreach (var holder in registry.Replicas.HoldersOf(entry.Version))
            {
                if (!which(holder) || !holder.Agrees(entry.Replica) || view.Find(holder.Node) is not { } node || (alive && !node.Alive)) continue;
                if (!Knows(node.Id)) candidates.Add(new ReplicaCandidate(NodeView.AddressOf(node), holder.Damaged));
            }
        }
    }

    /// <summary>The public address of the least busy live node with a whole copy that clients can reach; null if there is none.</summary>
    public string? PublicUrlOf(CatalogEntry entry)
    {
        var view = registry.View;
        var reachable = registry.Replicas.CopiesOf(entry.Replica).Where(holder => !holder.Damaged).Select(holder => view.Find(holder.Node))
            .Where(node => node is { Alive: true, PublicUrl.Length: > 0 }).ToList();
        // Links given out since the last beat show in no count yet: chance spreads them.
        return reachable.OrderBy(node => Streams(node!.Id)).ThenBy(_ => Random.Shared.Next()).FirstOrDefault()?.PublicUrl?.TrimEnd('/');
    }

    private int Streams(NodeId node)
    {
        lock (registry.Gate) return Math.Max(registry.Find(node)?.Streams ?? 0, streams.OnNode(node));
    }
}
