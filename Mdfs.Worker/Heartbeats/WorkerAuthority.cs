using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Heartbeats;

/// <summary>
/// Whom this worker obeys (design, sections 2.7 and 8): the master of the highest epoch, which is kept on disk before anything is done in its
/// name; and other workers for nothing but windows of bytes. The bytes of an upload are an order like any: a piece says where the file is to be cut off, and a
/// master that was replaced while it lay in its socket knows less than was acknowledged since. Windows take nothing away, and who began one may end it.
/// </summary>
internal sealed class WorkerAuthority(NodeMemory memory, MasterClock clock, Standing standing) : INodeAuthority
{
    public string Receiver => memory.Id.Value;

    public long Now => clock.Now;

    public bool TellsTime => false;

    public NodeRefusal? Judge(NodeToken token, string method)
    {
        if (token.Purpose == NodePurpose.Peer) return NodeId.TryParse(token.Sender, out _) ? null : WorkerProblems.NotAuthorized("Only a worker speaks as a peer.");
        if (token.Sender != NodeTokens.Master) return WorkerProblems.NotAuthorized("Only the master gives orders.");
        if (token.Purpose != NodePurpose.Control && (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))) return null;
        if (standing.Refused is { } reason) return WorkerProblems.Closed($"This node was refused by its master and obeys nothing: {reason}");
        return memory.TryObey(token.Epoch) ? null : WorkerProblems.StaleEpoch(token.Epoch, memory.Facts.Epoch);
    }
}
