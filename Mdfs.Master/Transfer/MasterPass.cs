using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Protocol.Security;

namespace Mdfs.Master.Transfer;

/// <summary>The master reads windows under tokens of its own, each for just that window.</summary>
public sealed class MasterPass(NodeTokens tokens, IMasterIdentity identity) : IWindowPass
{
    public string For(in ReplicaCandidate source, string target) =>
        tokens.Issue(NodePurpose.Data, "GET", target, NodeTokens.Master, source.Worker.Id.Value, identity.Epoch, identity.Now);
}
