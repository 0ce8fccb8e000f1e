using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Events;
using Mdfs.Master.Files;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Nodes;

/// <summary>
/// Takes a silent node off the list, by an admin's word that it is gone for good. From then on no movie waits for it: entries are written anew without it, and one of which nobody else can have a byte yields
/// (<see cref="EntryYield"/>).
/// </summary>
public sealed class ForgetNode(
    NodeRegistry registry, FileCatalog catalog, CatalogSession session, NameLocks locks, HolderHints hints, Adoption adoption, ICopiesWatch fixer, ActivityLog activity)
{
    private const int BatchSize = 300;

    /// <param name="force">Also when last copies are given up with it.</param>
    /// <returns>Why not; null: it is forgotten.</returns>
    public async Task<Problem?> RunAsync(NodeId node, bool force, CancellationToken cancellationToken)
    {
        string name;
        List<FileName> held;
        lock (registry.Gate)
        {
            if (registry.Find(node) is not { } state) return NodeProblems.NoSuchNode(node.Value);
            name = state.RingKey;
            if (state.Alive) return NodeProblems.StillAlive(name);
            var view = registry.View;
            var entries = catalog.Entries.Where(entry => entry.Hint.Contains(node) || registry.Replicas.CopiesOf(entry.Replica).Any(holder => holder.Node == node)).ToList();
            var only = entries.Count(entry => !Copies.Of(registry, entry.Replica).Any(copy => copy.Node != node && copy is { Damaged: false, Leaving: false } && view.Find(copy.Node) is { HasItsCopies: true }));
            if (only > 0 && !force) return NodeProblems.HoldsLastCopies(name, only);
            held = entries.ConvertAll(static entry => entry.Name);
        }

        // Before it is forgotten: where Redis goes away in between, it is still on the list, and can be forgotten once more.
        foreach (var names in held.Chunk(BatchSize))
        {
            if (!await UnhintAsync(names, node, cancellationToken)) return FileProblems.ReadOnly;
        }

        if (!await session.ForgetNodeAsync(node, cancellationToken)) return FileProblems.ReadOnly;
        activity.Note(ActivityKinds.NodeRemoved, node: name, detail: force ? "with its last copies" : null);
        // A hint of its own, later than the entry, would name it to the next master.
        foreach (var entry in held.Select(catalog.Find).OfType<CatalogEntry>()) hints.NoteAgain(entry.Version);
        adoption.Consider(held);
        fixer.LookAgain();
        return null;
    }

    /// <summary>What of these names the node is said to hold is written down without it. Nobody else may change one of them meanwhile.</summary>
    private async Task<bool> UnhintAsync(IReadOnlyList<FileName> names, NodeId node, CancellationToken cancellationToken)
    {
        var taken = new List<IDisposable>();
        try
        {
            // In one order: of two that forget nodes neither waits for the other.
            foreach (var name in names.Order()) taken.Add(await locks.AcquireAsync(name, cancellationToken));
            // What was taken over for reading alone is not written down; it is judged anew when all nodes have come.
            var entries = names.Select(catalog.Find).OfType<CatalogEntry>().Where(entry => entry.Hint.Contains(node) && ReferenceEquals(session.Durable(entry.Name), entry)).ToList();
            if (entries.Count == 0) return true;
            var change = new CatalogChange { Put = entries.ConvertAll(entry => entry with { Hint = entry.Hint.Remove(node) }), Highest = catalog.Highest };
            return await session.ApplyAsync(change, cancellationToken);
        }
        finally
        {
            foreach (var each in taken) each.Dispose();
        }
    }
}
