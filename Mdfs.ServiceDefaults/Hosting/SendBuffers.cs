using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>
/// How much of a movie may lie in the system's memory, written but not yet sent: without a bound each player that is paused leaves megabytes there, for as long as it is
/// paused. What is on its way to the client is not bounded by this, so that a fast and distant one gets all that its line can carry.
/// </summary>
internal static class SendBuffers
{
    // Two pieces of a movie as master and workers write them.
    private const int Unsent = 256 * 1024;

    private const int TcpLevel = 6;
    private const int LinuxNotSentLowWatermark = 25;

    public static void LimitUnsentBytes(this IServiceCollection services)
    {
        if (!OperatingSystem.IsLinux()) return;
        services.Configure<SocketTransportOptions>(static transport => transport.CreateBoundListenSocket = static endpoint =>
        {
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            // Connections that it takes inherit the option.
            if (socket is { SocketType: SocketType.Stream, ProtocolType: ProtocolType.Tcp }) socket.SetRawSocketOption(TcpLevel, LinuxNotSentLowWatermark, BitConverter.GetBytes(Unsent));
            return socket;
        });
    }
}
