using Mdfs.Web.Api;

namespace Mdfs.Web.Watching;

/// <summary>What is known of the cluster at one moment; immutable, and the same for everybody who looks.</summary>
/// <param name="Cluster">Null before the first answer. While the master is away it is what was last heard.</param>
/// <param name="Hour">The last hour, finely; null as long as there is none.</param>
/// <param name="Day">The last day, coarsely.</param>
/// <param name="HeardAt">When the master last answered.</param>
/// <param name="MasterAwaySince">Null: it answers.</param>
/// <param name="Refused">Why it refuses the console; null: it does not. What is shown is what was last heard, as when it is away.</param>
/// <param name="SessionsAway">Redis does not answer the console: nobody can sign in.</param>
public sealed record ClusterPicture(
    Cluster? Cluster, IReadOnlyList<Node> Nodes, History? Hour, History? Day, DateTimeOffset? HeardAt, DateTimeOffset? MasterAwaySince, MasterRefusal? Refused, bool SessionsAway)
{
    public static ClusterPicture Empty { get; } = new(null, [], null, null, null, null, null, false);

    public bool MasterAway => MasterAwaySince is not null;
}
