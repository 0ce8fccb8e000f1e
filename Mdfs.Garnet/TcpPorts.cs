using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Mdfs.Garnet;

/// <summary>
/// What the operating system says about TCP ports. Garnet opens its listener with address reuse, and on Unix .NET turns that into
/// SO_REUSEPORT: two servers of one user may then share a port without any error, each getting some of the connections. Hence the two
/// questions here, asked before and after Garnet binds.
/// </summary>
internal static class TcpPorts
{
    /// <summary>A port that was free a moment ago; whoever binds it may still collide and has to try again.</summary>
    public static int Free(IPAddress address)
    {
        using var socket = Bind(address, 0);
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Binds the port without reuse and lets go again; throws <see cref="SocketException"/> when anybody has it.</summary>
    public static void EnsureFree(IPAddress address, int port) => Bind(address, port).Dispose();

    /// <summary>How many sockets listen on exactly this address and port, over all processes.</summary>
    public static int CountListeners(IPEndPoint endpoint) => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Count(endpoint.Equals);

    private static Socket Bind(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
