using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mdfs.Tests.Support;

/// <summary>An answer as it came over the wire.</summary>
/// <param name="Headers">By lower-case name; several lines are joined with a comma.</param>
/// <param name="Whole">The body ended where its header said it would.</param>
public sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body, bool Whole)
{
    public string? this[string header] => Headers.GetValueOrDefault(header.ToLowerInvariant());
}

/// <summary>HTTP/1.1 without a client that would know better: what is written is what is sent, one exchange per connection.</summary>
public static class RawHttp
{
    // What may stand behind an answer on a connection that goes on.
    private static ReadOnlySpan<byte> Next => "HTTP/1.1 "u8;

    /// <param name="lines">Header lines, separated by line feeds; the method stands alone on the first line when it is not GET. A <c>Host</c> among them replaces the server's own.</param>
    /// <param name="goesOn">The connection does not end with this request, as with players, which loops answer; another one follows at once, and its answer shows where this one's ends.</param>
    public static async Task<RawAnswer> SendAsync(Uri url, string lines, CancellationToken cancellationToken, bool goesOn = false)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MdfsClient.Longest);
        cancellationToken = patience.Token;
        var given = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var method = given.FirstOrDefault(line => !line.Contains(':', StringComparison.Ordinal)) ?? "GET";
        var headers = string.Concat(given.Where(line => line.Contains(':', StringComparison.Ordinal)).Select(line => line + "\r\n"));
        if (!given.Any(line => line.StartsWith("Host:", StringComparison.OrdinalIgnoreCase))) headers = $"Host: {url.Authority}\r\n{headers}";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(url.Host, url.Port, cancellationToken);
        var end = "Connection: close\r\n";
        var request = $"{method} {url.PathAndQuery} HTTP/1.1\r\n{headers}{(goesOn ? "" : end)}\r\n";
        if (goesOn) request += $"GET /alive HTTP/1.1\r\nHost: {url.Authority}\r\n{end}\r\n";
        await socket.SendAsync(Encoding.UTF8.GetBytes(request), cancellationToken);

        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int read; (read = await socket.ReceiveAsync(buffer, cancellationToken)) > 0;) all.Write(buffer, 0, read);
        return Parse(all.ToArray(), method, goesOn);
    }

    private static RawAnswer Parse(byte[] all, string method, bool goesOn)
    {
        var end = all.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.True(end > 0, $"no answer: {Encoding.UTF8.GetString(all)}");
        var lines = Encoding.UTF8.GetString(all, 0, end).Split("\r\n");
        var status = int.Parse(lines[0].Split(' ')[1], NumberStyles.None, CultureInfo.InvariantCulture);
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).GroupBy(pair => pair[0].ToLowerInvariant(), pair => pair[1].Trim())
            .ToDictionary(group => group.Key, group => string.Join(", ", group));
        var body = all[(end + 4)..];
        if (headers.GetValueOrDefault("transfer-encoding") == "chunked") return new RawAnswer(status, headers, Unchunked(body, out var whole), whole);
        var bodiless = method == "HEAD" || status is 204 or 304;
        var announced = bodiless ? 0 : long.Parse(headers.GetValueOrDefault("content-length") ?? "-1", CultureInfo.InvariantCulture);
        if (goesOn && announced >= 0 && body.Length > announced && body.AsSpan((int)announced).StartsWith(Next)) body = body[..(int)announced];
        return new RawAnswer(status, headers, body, body.Length == announced);
    }

    private static byte[] Unchunked(ReadOnlySpan<byte> body, out bool whole)
    {
        whole = false;
        using var plain = new MemoryStream();
        while (body.IndexOf("\r\n"u8) is >= 0 and var line)
        {
            var length = int.Parse(Encoding.ASCII.GetString(body[..line]).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            whole = length == 0;
            if (length == 0 || body.Length < line + 2 + length + 2) break;
            plain.Write(body.Slice(line + 2, length));
            body = body[(line + 2 + length + 2)..];
        }

        return plain.ToArray();
    }
}
