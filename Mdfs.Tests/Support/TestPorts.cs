using System.Net;
using System.Net.Sockets;

namespace Mdfs.Tests.Support;

/// <summary>
/// Ports for processes that must come back on the same one. They lie below the range that systems give to outgoing connections, any of which
/// could otherwise sit on the port while its process is away.
/// </summary>
public static class TestPorts
{
    private const int First = 20_000;
    private const int Count = 12_000;

    private static int _next = Random.Shared.Next(Count);

    public static int Next()
    {
        for (var attempt = 0; attempt < Count; attempt++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it; the next one then.
            }
        }
        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free.");
    }
}
