using System.Net.Sockets;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>The connections that came in by one listener, on whichever loops they are.</summary>
/// <param name="handOver">Gives one to the usual server.</param>
internal sealed class LoopClients(Action<Socket> handOver)
{
    private volatile bool _leaving;

    /// <summary>No new request is begun: connections end with what they have.</summary>
    public bool Leaving => _leaving;

    public void Leave() => _leaving = true;

    public void HandOver(Socket socket) => handOver(socket);
}
