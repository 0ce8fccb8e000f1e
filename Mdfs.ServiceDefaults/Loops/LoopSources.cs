using System.Net;
using System.Net.Sockets;
using System.Text;
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

    /// <summary>Makes a new connection, on other threads.</summary>
    /// <param name="done">On the loop's thread: the connection, or why there is none.</param>
    public void Connect(string address, Action<LoopSource?, NodeFailure?> done) => _ = ConnectAsync(address, done);

    /// <summary>The request for a window; null: an address that is asked by another client.</summary>
    /// <param name="trace">Of the span that goes on at the far side, or null.</param>
    public byte[]? Request(string address, string target, string token, string? trace)
    {
        if (!_peers.TryGetValue(address, out var peer))
        {
            if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp) return null;
            // Nodes come and go under other addresses, but not by the hundred.
            if (_peers.Count > 1000) return null;
            _peers.Add(address, peer = new Peer(uri));
        }

        return Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: {peer.Address.Authority}\r\n{NodeTokens.Header}: {token}\r\n{(trace is null ? "" : $"traceparent: {trace}\r\n")}\r\n");
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

    private async Task ConnectAsync(string address, Action<LoopSource?, NodeFailure?> done)
    {
        Socket? socket = null;
        NodeFailure? failure = null;
        try
        {
            var uri = new Uri(address);
            using var limit = new CancellationTokenSource(ByteClient.ConnectTimeout);
            socket = await ProbedConnection.ConnectAsync(new DnsEndPoint(uri.IdnHost, uri.Port), limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            failure = new NodeFailure.Unreachable("no connection was made in time");
        }
        catch (SocketException error)
        {
            failure = new NodeFailure.Unreachable(error.Message);
        }

        _loop.Post(static with =>
        {
            var (loop, address, socket, failure, done) = ((EventLoop, string, Socket?, NodeFailure?, Action<LoopSource?, NodeFailure?>))with;
            done(socket is null ? null : new LoopSource(loop, address, socket), failure);
        }, (_loop, address, socket, failure, done));
    }

    private sealed record Peer(Uri Address)
    {
        public Stack<LoopSource> Kept { get; } = new();
    }
}
