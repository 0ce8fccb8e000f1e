using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Mdfs.Protocol.Security;
using Microsoft.AspNetCore.Http;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// How a worker, or a front end, whose clock is off learns the master's time: the 401 to its expired token carries it, signed over that very token, so
/// that neither a stranger nor an old answer can set its clock.
/// </summary>
public static class NodeTime
{
    public static void Tell(HttpResponse response, NodeTokens tokens, string sentToken, long now)
    {
        var time = now.ToString(CultureInfo.InvariantCulture);
        response.Headers[NodeTokens.TimeHeader] = time;
        response.Headers[NodeTokens.SignatureHeader] = tokens.SignReply(sentToken, Encoding.ASCII.GetBytes(time));
    }

    /// <summary>Reads the time from the answer to a request that carried <paramref name="sentToken"/>. False: none, or not signed for it.</summary>
    /// <param name="now">Milliseconds since 1970 by the master's clock.</param>
    public static bool TryRead(HttpResponseHeaders headers, NodeTokens tokens, string sentToken, out long now)
    {
        now = 0;
        return headers.TryGetValues(NodeTokens.TimeHeader, out var times) && times.SingleOrDefault() is { } time
            && headers.TryGetValues(NodeTokens.SignatureHeader, out var signatures)
            && tokens.CheckReply(signatures.SingleOrDefault(), sentToken, Encoding.ASCII.GetBytes(time))
            && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out now);
    }
}
