using System.Net;
using System.Net.Sockets;

namespace Mdfs.Standalone;

/// <summary>An address that a service listens on, and what others call it.</summary>
internal sealed record ListenAddress(IPAddress Address, int Port)
{
    public bool IsLoopback => IPAddress.IsLoopback(Address);

    private bool IsEverywhere => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    /// <summary>As Kestrel wants it.</summary>
    public string Url => $"http://{new IPEndPoint(Address, Port)}";

    /// <summary>How the other services of this process reach it.</summary>
    public Uri Dial => new($"http://{new IPEndPoint(!IsEverywhere ? Address : Address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, Port)}/");

    /// <summary>What a person on this machine types.</summary>
    public Uri Browse => IsEverywhere || Address.Equals(IPAddress.Loopback) ? new($"http://localhost:{Port}/") : Dial;

    /// <exception cref="StandaloneException">It is no address of any machine.</exception>
    public static ListenAddress Parse(string host, int port) => host switch
    {
        // Kestrel's own "localhost" is two sockets, and cannot be had with a free port.
        "localhost" => new(IPAddress.Loopback, port),
        "*" or "+" => new(IPAddress.Any, port),
        _ => IPAddress.TryParse(host.Trim('[', ']'), out var address) ? new(address, port)
            : throw new StandaloneException($"--host must be an IP address, localhost or *, not '{host}'."),
    };

    /// <summary>Asked before anything starts, so that a taken port costs no half-started cluster.</summary>
    /// <exception cref="StandaloneException">Somebody listens there, or this machine has no such address.</exception>
    public void EnsureFree()
    {
        if (Port == 0)
            return;
        try
        {
            using var listener = new TcpListener(Address, Port);
            listener.Start();
        }
        catch (SocketException e) when (e.SocketErrorCode != SocketError.AddressAlreadyInUse)
        {
            throw new StandaloneException($"{new IPEndPoint(Address, Port)} cannot be listened on: {e.Message}. Choose another address with --host or another port with --port.", e);
        }
        catch (SocketException e)
        {
            throw Taken(e);
        }
    }

    public StandaloneException Taken(Exception e) => new(
        $"Port {Port} on {Address} is in use by another program. Stop that one, or choose other ports with --port (the workers take the ones after it; 0 takes free ones).", e);
}
