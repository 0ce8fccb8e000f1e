using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;

namespace Mdfs.Protocol.Wire;

/// <summary>
/// What a front end is told instead of a movie's bytes, which it then fetches itself. It hands a client's request for a movie on to the master as it came, with a token
/// (<see cref="NodePurpose.Gateway"/>) and this <see cref="Header"/>, in which stands the tag of what it knows of the movie already. A master that takes the offer answers with the
/// entry and its tag in the same header, or with <c>204</c> where the tag is the same; whatever else it answers, the bytes themselves too, is the answer to the client.
/// </summary>
/// <param name="Sha256">In hex; null when it is not known, or was not asked for.</param>
public sealed record MovieEntry(ReplicaDescription Replica, string? Sha256, IReadOnlyList<MovieSource> Sources)
{
    public const string Header = "X-Mdfs-Entry";

    /// <summary>Milliseconds since 1970 by the master's clock, at which the answer was true.</summary>
    public const string TimeHeader = "X-Mdfs-Entry-Time";

    /// <summary>In place of a tag: nothing is known.</summary>
    public const string Unknown = "none";
}

/// <summary>A worker that may be read.</summary>
/// <param name="Damaged">Some of its blocks are bad.</param>
/// <param name="Grant">Opens windows of this one version on this one worker (<see cref="NodeTokens.Grant"/>).</param>
public sealed record MovieSource(NodeId Node, string Address, bool Damaged, string Grant);

/// <param name="Current">Whether the version is still that of its name. If not, whoever had it when the reading began may have it in the trash.</param>
public sealed record SourcesReply(bool Current, IReadOnlyList<MovieSource> Sources);

/// <summary>What a front end is sending at this moment.</summary>
/// <param name="Gateway">Random per start.</param>
/// <param name="BytesGiven">To clients, since its start.</param>
/// <param name="Damaged">Versions of which a worker has met a bad block, since the last report.</param>
/// <param name="BytesTold">Of <paramref name="BytesGiven"/>, what stood in the last report that was answered: the rest is new, also to a master that does not know this front end any more. Null: an older one, which does not say.</param>
public sealed record GatewayReport(
    NodeId Gateway, IReadOnlyList<NodeStreams> Nodes, IReadOnlyList<VersionStreams> Versions, long BytesGiven, IReadOnlyList<MovieVersion> Damaged, long? BytesTold = null);

/// <param name="Nodes">What all others are reading.</param>
public sealed record GatewayReply(IReadOnlyList<NodeStreams> Nodes);

public sealed record NodeStreams(NodeId Node, int Streams);

public sealed record VersionStreams(MovieVersion Version, int Streams);
