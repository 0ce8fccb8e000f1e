using System.Globalization;
using System.Net;
using System.Text.Json;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Web.Forwarding;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Web.FrontEnd;

/// <summary>
/// A client's request as the master gets it, and with it the offer to fetch the bytes here (<see cref="MovieEntry"/>). Whatever the master says but that is the client's answer: refusals,
/// links, 304 and 416, and from a master that does not know the offer the movie.
/// </summary>
internal sealed class MovieQuestion(ConsoleProof proof, FrontEndIdentity self, NodeTokens tokens, EntryCache cache) : ForwardedRequest(proof)
{
    // Where the master allows pages of other origins to read, they may read what it would have sent.
    private static readonly string[] _passedOn =
    [
        HeaderNames.AccessControlAllowOrigin, HeaderNames.AccessControlExposeHeaders, HeaderNames.AccessControlAllowCredentials, HeaderNames.Vary,
    ];

    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var asked = httpContext.Features.GetRequiredFeature<MovieAsked>();
        var target = httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        asked.Token = self.Token(NodePurpose.Gateway, httpContext.Request.Method, target);
        var headers = proxyRequest.Headers;
        headers.Remove(NodeTokens.Header);
        headers.Remove(MovieEntry.Header);
        headers.TryAddWithoutValidation(NodeTokens.Header, asked.Token);
        headers.TryAddWithoutValidation(MovieEntry.Header, asked.Known?.Tag ?? MovieEntry.Unknown);
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null) return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        var asked = httpContext.Features.GetRequiredFeature<MovieAsked>();
        var headers = proxyResponse.Headers;
        if (NodeTime.TryRead(headers, tokens, asked.Token!, out var now)) self.Clock.Set(now);
        headers.Remove(NodeTokens.TimeHeader);
        headers.Remove(NodeTokens.SignatureHeader);
        if (!headers.TryGetValues(MovieEntry.Header, out var tags)) return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);

        try
        {
            var entry = proxyResponse.StatusCode == HttpStatusCode.NoContent
                ? asked.Known
                : new KnownEntry(tags.Single(), await ReadAsync(proxyResponse.Content, cancellationToken));
            asked.Told = entry!.Entry;
            asked.ToldAt = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(headers.GetValues(MovieEntry.TimeHeader).Single(), CultureInfo.InvariantCulture));
            if (entry != asked.Known) cache.Set(asked.Name, entry);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or JsonException)
        {
            asked.BrokenOff = true;
        }

        foreach (var name in _passedOn)
        {
            if (headers.TryGetValues(name, out var values)) httpContext.Response.Headers[name] = values.ToArray();
        }

        return false;
    }

    private static async Task<MovieEntry> ReadAsync(HttpContent content, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(await content.ReadAsByteArrayAsync(cancellationToken), WireJson.Default.MovieEntry) ?? throw new JsonException("It was null.");
}
