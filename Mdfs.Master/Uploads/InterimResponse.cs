using System.Text;
using Microsoft.AspNetCore.Connections.Features;

namespace Mdfs.Master.Uploads;

/// <summary>
/// <c>104 Upload Resumption Supported</c>. Kestrel has no call for interim responses, so it is written past it, onto the connection itself: before the body is first read and the answer
/// begun, when Kestrel writes nothing. Only in HTTP/1.1, where an interim response is plain text; a client of HTTP/2 finds Location in the final answer.
/// </summary>
internal static class InterimResponse
{
    public static async Task SendAsync(HttpContext context, params IEnumerable<(string Name, string Value)> headers)
    {
        if (context.Request.Protocol != HttpProtocol.Http11 || context.Response.HasStarted) return;
        if (context.Features.Get<IConnectionTransportFeature>()?.Transport.Output is not { } output) return;
        var text = new StringBuilder("HTTP/1.1 104 Upload Resumption Supported\r\n");
        foreach (var (name, value) in headers) text.Append(name).Append(": ").Append(value).Append("\r\n");
        await output.WriteAsync(Encoding.ASCII.GetBytes(text.Append("\r\n").ToString()), context.RequestAborted);
    }
}
