using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>How the server deals with its sockets, for few connections that move much (docs/performance.md).</summary>
internal static class SocketTuning
{
    // How much of a movie may lie in the system's memory, written but not yet sent: without a bound each player that is paused leaves megabytes there, for as long as it is
    // paused. What is on its way to the client is not bounded by this, so that a fast and distant one gets all that its line can carry. Two pieces of a movie as master and workers write them.
    internal const int Unsent = 256 * 1024;

    private const int TcpLevel = 6;
    private const int LinuxNotSentLowWatermark = 25;

    public static void TuneSockets(this IServiceCollection services)
    {
        services.AddSingleton<IMemoryPoolFactory<byte>, LargeBlocks>();
        services.Configure<SocketTransportOptions>(static transport =>
        {
            // A request is answered on the thread that received it, which is one of the pool's on every system but Windows: handing it to another one costs more than most answers.
            transport.UnsafePreferInlineScheduling = !OperatingSystem.IsWindows();
            if (!OperatingSystem.IsLinux()) return;
            transport.CreateBoundListenSocket = static endpoint =>
            {
                var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
                // Connections that it takes inherit the option.
                if (socket is { SocketType: SocketType.Stream, ProtocolType: ProtocolType.Tcp }) SetUnsent(socket, Unsent);
                return socket;
            };
        });
    }

    /// <param name="socket">Of Linux.</param>
    internal static void SetUnsent(Socket socket, int bytes) => socket.SetRawSocketOption(TcpLevel, LinuxNotSentLowWatermark, BitConverter.GetBytes(bytes));
}
