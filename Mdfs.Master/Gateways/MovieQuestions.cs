using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Mdfs.Gateway;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.Features;

namespace Mdfs.Master.Gateways;

/// <summary>
/// Requests for movies that come from a front end which fetches the bytes itself (docs/decisions/front-ends.md). They have passed all that a request of a client passes, since
/// that is what they are; only the answer is another.
/// </summary>
public sealed partial class MovieQuestions(NodeTokens tokens, IMasterIdentity identity, WindowGrants grants, ILogger<MovieQuestions> logger)
{
    /// <summary>Whether one of our front ends asks. A request that claims so without a good token is answered as anybody's, with the bytes.</summary>
    public bool IsAskedBy(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!headers.ContainsKey(MovieEntry.Header)) return false;
        var token = headers[NodeTokens.Header].ToString();
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var verdict = tokens.Check(token, NodePurpose.Gateway, context.Request.Method, target, NodeTokens.Master, identity.Now, out _);
        if (verdict == TokenVerdict.Valid) return true;
        if (verdict == TokenVerdict.Expired) NodeTime.Tell(context.Response, tokens, token, identity.Now);
        LogDeclined(context.Connection.RemoteIpAddress?.ToString() ?? "?", verdict);
        return false;
    }

    /// <summary>Tells what the movie is and who has it; null where nobody has, so that the client is told that.</summary>
    /// <param name="digestWanted">The client wants to know the SHA-256.</param>
    public async ValueTask<IResult?> AnswerAsync(HttpContext context, IMovie movie, bool digestWanted)
    {
        var sources = await movie.SourcesAsync(fresh: true, context.RequestAborted);
        if (sources.Count == 0) return null;
        var digest = digestWanted && movie.FindDigest() is { } known ? Convert.ToHexStringLower(known) : null;
        var body = JsonSerializer.SerializeToUtf8Bytes(new MovieEntry(movie.Replica, digest, grants.For(movie.Replica.Version, sources)), WireJson.Default.MovieEntry);
        // Names and checksums are the clients': a tag that they could make collide would show one version for another.
        var tag = Base64Url.EncodeToString(SHA256.HashData(body).AsSpan(0, 16));

        var headers = context.Response.Headers;
        headers[MovieEntry.Header] = tag;
        headers[MovieEntry.TimeHeader] = identity.Now.ToString(CultureInfo.InvariantCulture);
        headers.CacheControl = "no-store";
        return context.Request.Headers[MovieEntry.Header] == tag ? TypedResults.NoContent() : TypedResults.Bytes(body, "application/json");
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Address} asks as a front end, but its token is no good ({Verdict}): it is given the movie itself. Does it have the same Mdfs:ClusterKey?")]
    private partial void LogDeclined(string address, TokenVerdict verdict);
}
