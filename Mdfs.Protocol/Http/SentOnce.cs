using System.Net.Http;

namespace Mdfs.Protocol.Http;

/// <summary>
/// Sends what changes something once. A request without content <see cref="SocketsHttpHandler"/> repeats by itself, up to three times, when the connection breaks before the answer has begun;
/// and whoever deletes what the first request has deleted already is told that there is no such movie. One with content, be it empty, it does not repeat.
/// </summary>
public sealed class SentOnce(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>Marks a GET that changes something.</summary>
    public static readonly HttpRequestOptionsKey<bool> Changes = new("mdfs-changes");

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if ((request.Method != HttpMethod.Get && request.Method != HttpMethod.Head) || (request.Options.TryGetValue(Changes, out var changes) && changes))
        {
            request.Content ??= new ByteArrayContent([]);
            // Else the content would wait to be asked for, and as long as it has not left the request may be repeated.
            if (request.Content.Headers.ContentLength == 0) request.Headers.ExpectContinue = null;
        }

        return base.SendAsync(request, cancellationToken);
    }
}
