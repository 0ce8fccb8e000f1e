using System.Collections.Concurrent;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Nodes;

/// <summary>A worker that beats and may not take part.</summary>
/// <param name="Name">Its configured name, else its address.</param>
/// <param name="Reason">Why, and what to do.</param>
/// <param name="Replaces">The silent node whose name it has: forgetting that one lets it in. Null: nothing that can be confirmed.</param>
/// <param name="LastBeat">Monotonic timestamp.</param>
public sealed record RefusedNode(NodeId Id, string Life, string Name, string Address, string Reason, NodeId? Replaces, long LastBeat);

/// <summary>Who was refused and still beats, for the admin who has to set it right.</summary>
public sealed class RefusedNodes(IOptions<MasterOptions> options, TimeProvider time)
{
    // A worker that is pointed at the wrong master is one; whoever sends beats with ever new ids has the cluster's key and other means.
    private const int Most = 1000;

    private readonly ConcurrentDictionary<(NodeId Id, string Life), RefusedNode> _all = new();

    /// <summary>Those that beat.</summary>
    public IReadOnlyList<RefusedNode> All
    {
        get
        {
            foreach (var (key, node) in _all)
            {
                if (time.GetElapsedTime(node.LastBeat) > options.Value.NodeTimeout) _all.TryRemove(key, out _);
            }

            return [.. _all.Values.OrderBy(node => node.Name, StringComparer.Ordinal)];
        }
    }

    /// <summary>True: it was not known to be refused.</summary>
    public bool Note(Beat beat, string reason, NodeId? replaces)
    {
        var key = (beat.Node, beat.Life);
        var news = !_all.ContainsKey(key);
        if (news && _all.Count >= Most) return false;
        _all[key] = new RefusedNode(beat.Node, beat.Life, beat.Name ?? beat.Address, beat.Address, reason, replaces, time.GetTimestamp());
        return news;
    }

    public void Forget(Beat beat)
    {
        if (!_all.IsEmpty) _all.TryRemove((beat.Node, beat.Life), out _);
    }
}
