using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Cluster;

/// <summary>How the master judges the tokens of workers: by its own clock, which is the one all others follow.</summary>
public sealed class MasterAuthority(TimeProvider time) : INodeAuthority
{
    public string Receiver => NodeTokens.Master;

    public long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    public bool TellsTime => true;

    /// <summary>A worker's epoch is in its beat, where it can be acted upon; a token is not refused for it.</summary>
    public NodeRefusal? Judge(NodeToken token, string method) => null;
}
