using System.Net;
using System.Net.Http;
using System.Net.Sockets;

namespace Mdfs.Protocol.Http;

/// <summary>
/// A TCP connection whose far end is probed while it is silent: waiting for a receipt, a verification or a player's pause nothing is sent, and only probes tell
/// a machine that lost its power from one that is busy.
/// </summary>
public static class ProbedConnection
{
    /// <summary>After so long of silence the probes have ended a connection.</summary>
    public static readonly TimeSpan GoneAfter = TimeSpan.FromSeconds(30);

    private const int TcpUserTimeout = 18;

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public static async ValueTask<Stream> OpenAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        new NetworkStream(await ConnectAsync(context.DnsEndPoint, cancellationToken), ownsSocket: true);

    /// <summary>
    /// The same for requests without a body. Linux does not probe while something that was sent is unacknowledged, and sends it again for a quarter of an hour; so a request on a connection that was kept would wait that long for a
    /// machine that has lost its power meanwhile. Not where bodies are sent: a far end that is there and does not read for so long, as for a slow worker, would be given up too.
    /// </summary>
    public static async ValueTask<Stream> OpenForQuestionsAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = await ConnectAsync(context.DnsEndPoint, cancellationToken);
        // When it is connected: what the runtime does not know it cannot set again for a name's next address.
        if (OperatingSystem.IsLinux()) socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, BitConverter.GetBytes((int)GoneAfter.TotalMilliseconds));
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <exception cref="SocketException">There is none to be had.</exception>
    public static async ValueTask<Socket> ConnectAsync(DnsEndPoint to, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            Prepare(socket);
            await socket.ConnectAsync(to, cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>For one that is connected by other means.</summary>
    public static void Prepare(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 10);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 4);
    }
}
