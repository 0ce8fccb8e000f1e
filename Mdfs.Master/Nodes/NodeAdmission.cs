using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Nodes;

/// <summary>Whose beat it is, and whether it may take part (design, section 6): of two with one name, and of two lives of one id, only one may.</summary>
public sealed partial class NodeAdmission(NodeRegistry registry, TimeProvider time, ILogger<NodeAdmission> logger)
{
    /// <summary>Finds out whose beat it is; a sentence if it may not take part. Under the lock.</summary>
    /// <param name="replaces">The silent node that would have to be forgotten for it to be let in.</param>
    public string? Identify(Beat beat, out NodeState? state, out NodeId? replaces)
    {
        replaces = null;
        var ringKey = beat.Name ?? beat.Address;
        state = registry.Find(beat.Node);
        var rival = registry.States.FirstOrDefault(other => other.Id != beat.Node && other.RingKey == ringKey && other.Alive);
        if (rival is not null)
        {
            return $"Another node ({rival.Id}) is beating as '{ringKey}'. Give this one a name of its own (Mdfs:Worker:Name), or stop the other first.";
        }

        // A name that another id has had: a new disk, or one that is not mounted, so that the worker made itself a new identity in the empty directory below. With an address
        // for a name it is just a new owner of the address.
        if (state is null && beat.Name is not null && registry.States.FirstOrDefault(other => other.RingKey == ringKey) is { } before)
        {
            replaces = before.Id;
            return $"This node has a new identity under the name '{ringKey}', which node {before.Id} has had. If the disk of that one is only not mounted, stop this worker, mount it and start it again. "
                + $"If it is gone for good, confirm that this one takes its place: mdfs nodes confirm {ringKey}. Else give this one a name of its own (Mdfs:Worker:Name).";
        }

        state ??= registry.FindOrAdd(beat.Node, ringKey);
        if (state.Life == beat.Life) return null;
        if (state.PreviousLife == beat.Life)
        {
            // The life that was thought to be over beats again beside its successor: one data directory exists twice. The later one is refused.
            LogTwoLives(state.RingKey, beat.Address);
            state.RefusedLives.Add(state.Life!);
            Begin(state, beat, previous: null);
            return null;
        }

        // Only while the other goes on: if that was the last word of a process that has ended, delivered late, the one that is left is the node.
        if (state.Alive && state.RefusedLives.Contains(beat.Life))
        {
            return "Another worker with the same node id is beating: its data directory was copied. Stop one of them; a copy needs an empty data directory of its own.";
        }

        Begin(state, beat, previous: state.Life);
        return null;
    }

    private void Begin(NodeState state, Beat beat, string? previous)
    {
        state.PreviousLife = previous;
        state.Life = beat.Life;
        state.LastNumber = 0;
        state.AppliedReply = 0;
        state.ObeyedFrom = long.MaxValue;
        state.Began = time.GetTimestamp();
        state.RefusedLives.Remove(beat.Life);
        state.SettledAge = beat.SettledAge;
        state.HeldTombstones.Clear();
        state.Inventory.Clear();
        state.Suspects.Clear();
        state.Doubted.Clear();
        state.OwedTombstones.Clear();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Node {Node} beats from two processes at once; the later one is refused. Its data directory was copied: {Address} goes on.")]
    private partial void LogTwoLives(string node, string address);
}
