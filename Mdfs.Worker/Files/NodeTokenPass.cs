using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Http.Features;

namespace Mdfs.Worker.Files;

/// <summary>The master's token opens the classic routes too: they are for admins and for the cluster itself (design, section 8).</summary>
internal sealed class NodeTokenPass(NodeTokens tokens, NodeMemory memory, MasterClock clock) : IAccessPass
{
    public bool Admits(HttpContext context, AccessClass access)
    {
        var header = context.Request.Headers[NodeTokens.Header].ToString();
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        return tokens.Check(header, NodePurpose.Data, context.Request.Method, target, memory.Id.Value, clock.Now, out var token) == TokenVerdict.Valid
            && token!.Sender == NodeTokens.Master;
    }
}
