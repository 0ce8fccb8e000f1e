using System.Text.Json.Serialization;

namespace Mdfs.Protocol.Wire;

[JsonConverter(typeof(JsonStringEnumConverter<ScrubState>))]
public enum ScrubState
{
    /// <summary>Replicas are being re-read.</summary>
    Running,

    /// <summary>All have been re-read; the next round begins in time.</summary>
    Resting,

    /// <summary>An admin has stopped it, until an admin lets it go on.</summary>
    Paused,

    /// <summary>So much was found damaged that the disk is not read any more than it must be.</summary>
    Stopped,
}

[JsonConverter(typeof(JsonStringEnumConverter<ScrubAction>))]
public enum ScrubAction
{
    /// <summary>Go on, and if the last round is over begin another one now.</summary>
    Start,

    Pause,
}

/// <summary>How far the re-reading of a node's replicas has come (design, section 6).</summary>
/// <param name="Cycle">Rounds begun since the node exists.</param>
/// <param name="Done">Bytes of the present round that have been re-read.</param>
/// <param name="Total">Bytes that a round has.</param>
/// <param name="Rate">Bytes per second at which it reads now.</param>
/// <param name="OldestSeconds">Since the replica that was re-read longest ago was, or was written.</param>
/// <param name="RotFound">Replicas found with a bad block, since the node exists.</param>
/// <param name="RotHealed">Those of them that were made whole again.</param>
/// <param name="CanarySeconds">Since planted rot was last found and healed from another node: proof that the reading would notice, and the healing heal.</param>
/// <param name="SickCanary">What was found planted and waits to be healed: a <see cref="PullOrder"/> for it is wanted, without sources where there is no other node. Null: nothing.</param>
/// <param name="Order">The last <see cref="ScrubOrder.Id"/> that was carried out.</param>
public sealed record ScrubReport(
    ScrubState State, string? Reason, long Cycle, long Done, long Total, long Rate, double OldestSeconds, long RotFound, long RotHealed, double CanarySeconds, long Order, ReplicaDescription? SickCanary = null);

/// <summary>An admin's word about the scrub. Repeated with every reply until the node says that it has carried it out; it harms nothing however late it comes.</summary>
/// <param name="Id">Higher than that of every order before.</param>
public sealed record ScrubOrder(long Id, ScrubAction Action) : NodeOrder;
