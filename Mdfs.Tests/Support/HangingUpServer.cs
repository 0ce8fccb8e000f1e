using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mdfs.Tests.Support;

/// <summary>Reads whole requests and hangs up without an answer, as a master does that is killed when the change stands. It remembers what it was asked.</summary>
public sealed class HangingUpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _asked = new();

    public HangingUpServer()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>How many requests have come whose line begins like this.</summary>
    public int Arrived(string line) => _asked.Count(asked => asked.StartsWith(line, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = TakeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task TakeAsync(Socket client)
    {
        using (client)
        {
            var said = "";
            var buffer = new byte[4096];
            try
            {
                while (!IsWhole(said) && await client.ReceiveAsync(buffer, _stop.Token) is > 0 and var read) said += Encoding.Latin1.GetString(buffer, 0, read);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                return;
            }

            if (said.Length > 0) _asked.Enqueue(said);
        }
    }

    private static bool IsWhole(string said)
    {
        var end = said.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return false;
        var length = said[..end].Split("\r\n").FirstOrDefault(static line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))?.Split(':')[1];
        return said.Length >= end + 4 + int.Parse(length ?? "0", System.Globalization.CultureInfo.InvariantCulture);
    }
}
