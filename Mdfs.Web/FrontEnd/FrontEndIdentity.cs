using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Web.FrontEnd;

/// <summary>As whom this front end speaks to the master. To workers it does not speak in anybody's name: it brings the master's grants.</summary>
internal sealed class FrontEndIdentity(NodeTokens tokens, TimeProvider time)
{
    /// <summary>Random per start.</summary>
    public NodeId Id { get; } = NodeId.New();

    /// <summary>The master's time, as far as it had to be told: only who is half a minute off hears of it.</summary>
    public MasterClock Clock { get; } = new(time);

    public string Token(NodePurpose purpose, string method, string target, ReadOnlySpan<byte> body = default) =>
        tokens.Issue(purpose, method, target, Id.Value, NodeTokens.Master, epoch: 0, Clock.Now, body);
}
