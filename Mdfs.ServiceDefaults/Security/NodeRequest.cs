using Mdfs.Protocol.Security;
using Microsoft.AspNetCore.Http;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>What <see cref="NodeGuard"/> leaves for the handlers of routes marked with <see cref="AccessMarks.RequireNode{TBuilder}"/>.</summary>
public static class NodeRequest
{
    /// <summary>The token that was checked.</summary>
    /// <exception cref="InvalidOperationException">The route is not marked for nodes.</exception>
    public static NodeToken NodeToken(this HttpContext context) =>
        context.Features.Get<NodeToken>() ?? throw new InvalidOperationException("This route is not marked with RequireNode, so that no token was checked.");

    /// <summary>
    /// The body that was compared with the token, whole; <c>Request.Body</c> can be read as well. Only for <see cref="NodePurpose.Control"/>
    /// and <see cref="NodePurpose.Report"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The token does not bind the body.</exception>
    public static ReadOnlyMemory<byte> NodeBody(this HttpContext context) =>
        context.Features.Get<NodeBody>()?.Bytes ?? throw new InvalidOperationException("The token of this request does not bind the body, so that it was not read.");
}

internal sealed record NodeBody(ReadOnlyMemory<byte> Bytes);
