using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Unicode;
using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>The connections of one loop to other nodes, kept for the next window. On the loop's thread alone.</summary>
public sealed class LoopSources
{
    private readonly EventLoop _loop;
    private readonly Dictionary<string, Peer> _peers = [];

    internal LoopSources(EventLoop loop) => _loop = loop;

    /// <summary>One that is kept; null: a new one has to be made.</summary>
    public LoopSource? Take(string address)
    {
        if (!_peers.TryGetValue(address, out var peer) || !peer.Kept.TryPop(out var source)) return null;
        source.Taken();
        return source;
    }

    /// <summary>Makes a new connection.</summary>
    /// <param name="done">Later, on the loop's thread: the connection, or why there is none.</param>
    public void Connect(string address, Action<LoopSource?, NodeFailure?> done)
    {
        if (PeerAt(address)?.Address is not { } uri) Begin([], 0);
        else if (IPAddress.TryParse(uri.IdnHost, out var number)) Begin([number], uri.Port);
        else _ = FindAsync(uri.IdnHost, addresses => Begin(addresses, uri.Port));

        void Begin(IReadOnlyList<IPAddress> addresses, int port) =>
            new LoopConnect(_loop, addresses, port, (socket, failure) => done(socket is null ? null : new LoopSource(_loop, address, socket), failure)).Begin();
    }

    /// <summary>The request for a window, valid until anything else is done on the loop; empty: an address that is asked by another client.</summary>
    /// <param name="trace">Of the span that goes on at the far side, or null.</param>
    public ReadOnlySpan<byte> Request(string address, string target, string token, string? trace)
    {
        if (PeerAt(address) is not { } peer) return [];
        var (before, after) = trace is null ? ("", "") : ("traceparent: ", "\r\n");
        var isWhole = Utf8.TryWrite(
            _loop.Scratch, CultureInfo.InvariantCulture, $"GET {target} HTTP/1.1\r\nHost: {peer.Authority}\r\n{NodeTokens.Header}: {token}\r\n{before}{trace}{after}\r\n", out var length);
        return isWhole ? _loop.Scratch.AsSpan(0, length) : [];
    }

    internal void Keep(string address, LoopSource source) => _peers[address].Kept.Push(source);

    internal void Drop(string address, LoopSource source)
    {
        source.Close();
        if (!_peers.TryGetValue(address, out var peer)) return;
        var others = peer.Kept.Where(kept => kept != source).Reverse().ToArray();
        peer.Kept.Clear();
        foreach (var other in others) peer.Kept.Push(other);
    }

    private Peer? PeerAt(string address)
    {
        if (_peers.TryGetValue(address, out var peer)) return peer;
        // Nodes come and go under other addresses, but not by the hundred.
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || _peers.Count > 1000) return null;
        _peers.Add(address, peer = new Peer(uri));
        return peer;
    }

    private static async Task FindAsync(string name, Action<IReadOnlyList<IPAddress>> found)
    {
        IReadOnlyList<IPAddress> addresses = [];
        try
        {
            addresses = await Dns.GetHostAddressesAsync(name).WaitAsync(ByteClient.ConnectTimeout).ConfigureAwait(false);
        }
        catch (Exception error) when (error is SocketException or TimeoutException)
        {
            // Said by whoever finds nobody to try.
        }

        found(addresses);
    }

    private sealed record Peer(Uri Address)
    {
        public string Authority { get; } = Address.Authority;

        public Stack<LoopSource> Kept { get; } = new();
    }
}
