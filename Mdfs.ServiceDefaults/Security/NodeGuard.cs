using System.Text.Json;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// Lets only nodes through to <c>/internal</c> (design, section 8): the token must be signed for this method, path and query, this receiver, one of
/// the purposes of the route, not expired, and for control messages and reports for exactly this body.
/// </summary>
public sealed partial class NodeGuard(NodeTokens tokens, INodeAuthority authority, ILogger<NodeGuard> logger)
{
    /// <summary>The longest control message or report, in bytes; an inventory page is far below it. Bodies of movies are not bound and not limited here.</summary>
    public const int MaxBodyBytes = 16 << 20;

    /// <summary>The code of a refusal for want of a good token.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>The code of a refusal for a body beyond <see cref="MaxBodyBytes"/>.</summary>
    public const string TooLarge = "too-large";

    /// <summary>True when the request may go on; else it has been answered with a <see cref="NodeRefusal"/>.</summary>
    public async Task<bool> AdmitAsync(HttpContext context, NodePurpose[] purposes)
    {
        var header = context.Request.Headers[NodeTokens.Header].ToString();
        var verdict = Check(context, header, purposes, out var token);
        if (token is null)
        {
            if (verdict == TokenVerdict.Expired && authority.TellsTime) NodeTime.Tell(context.Response, tokens, header, authority.Now);
            LogRefused(verdict, context.Connection.RemoteIpAddress?.ToString() ?? "?");
            return await RefuseAsync(context, StatusCodes.Status401Unauthorized, new NodeRefusal(Unauthorized, Sentence(verdict)));
        }

        if (NodeTokens.BindsBody(token.Purpose))
        {
            // Only now: nobody without a signature makes us hold 16 MiB.
            if (await ReadBodyAsync(context) is not { } body)
                return await RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, new NodeRefusal(TooLarge, $"A message between nodes has at most {MaxBodyBytes} bytes."));
            if (!NodeTokens.MatchesBody(token, body.Span))
            {
                LogForgedBody(context.Connection.RemoteIpAddress?.ToString() ?? "?");
                return await RefuseAsync(context, StatusCodes.Status401Unauthorized, new NodeRefusal(Unauthorized, "The body is not the one that the token was issued for."));
            }

            context.Features.Set(new NodeBody(body));
        }

        if (authority.Judge(token, context.Request.Method) is { } refusal) return await RefuseAsync(context, StatusCodes.Status409Conflict, refusal);
        context.Features.Set(token);
        return true;
    }

    // The raw target: what the sender signed, before any decoding.
    private TokenVerdict Check(HttpContext context, string header, NodePurpose[] purposes, out NodeToken? token) =>
        tokens.Check(header, purposes, context.Request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, authority.Receiver, authority.Now, out token);

    private static async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpContext context)
    {
        var length = context.Request.ContentLength;
        if (length > MaxBodyBytes) return null;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MaxBodyBytes + 1;
        var body = new MemoryStream((int)(length ?? 0));
        var chunk = new byte[16 << 10];
        for (int read; (read = await context.Request.Body.ReadAsync(chunk, context.RequestAborted)) > 0;)
        {
            if (body.Length + read > MaxBodyBytes) return null;
            body.Write(chunk, 0, read);
        }

        body.Position = 0;
        context.Request.Body = body;
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private static async Task<bool> RefuseAsync(HttpContext context, int status, NodeRefusal refusal)
    {
        // RFC 9110, section 15.5.2: a 401 says what would open the way. No key of a client's does.
        if (status == StatusCodes.Status401Unauthorized) context.Response.Headers.WWWAuthenticate = "MdfsNode realm=\"mdfs\"";
        // What the original's workers reported to is a classic route, and those speak text.
        if (!Problem.SpeaksJson(context.Request.Path))
        {
            await ClassicText.WriteAsync(context, status, refusal.Message);
            return false;
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(refusal, WireJson.Default.NodeRefusal);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
        return false;
    }

    private static string Sentence(TokenVerdict verdict) => verdict switch
    {
        TokenVerdict.Missing => $"This address is for nodes of the cluster only: the header '{NodeTokens.Header}' is missing.",
        TokenVerdict.Expired => "The token has expired, or the clocks of the two nodes disagree.",
        TokenVerdict.WrongReceiver => "The token was issued for another node: the address has changed hands.",
        TokenVerdict.WrongPurpose => "The token was issued for another purpose.",
        TokenVerdict.Malformed => "The token cannot be read.",
        _ => "The token's signature is wrong: do all nodes have the same Mdfs:ClusterKey?",
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "A request to an internal address was refused ({Verdict}); it came from {Address}.")]
    private partial void LogRefused(TokenVerdict verdict, string address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message between nodes was changed on its way and refused; it came from {Address}.")]
    private partial void LogForgedBody(string address);
}
