using System.Globalization;
using System.Net;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Mdfs.Web.Api;

/// <summary>
/// Where masters may be found: at <see cref="ConfiguredMasters"/>. One reigns; the others are tried when it does not answer. Where none is configured the console shares its host with the master, and that is where it is.
/// </summary>
public sealed class MasterAddresses
{
    private readonly IServer _server;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly string[] _all;
    private int _current;

    public MasterAddresses(IConfiguration configuration, IServer server, IHostApplicationLifetime lifetime)
    {
        (_server, _lifetime) = (server, lifetime);
        _all = ConfiguredMasters.Read(configuration);
    }

    public bool Configured => _all.Length > 0;

    /// <summary>Scheme, host and port, without a slash at the end; null while this process does not listen yet.</summary>
    public string? Current => Configured ? _all[(int)((uint)Volatile.Read(ref _current) % (uint)_all.Length)] : Own();

    /// <summary>Tries the next one from now on, unless somebody else has moved on already.</summary>
    public void Rotate(string failed)
    {
        if (Configured && failed == Current) Interlocked.Increment(ref _current);
    }

    private string? Own()
    {
        if (!_lifetime.ApplicationStarted.IsCancellationRequested) return null;
        var listening = _server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault(static address => address.StartsWith("http:", StringComparison.OrdinalIgnoreCase));
        if (listening is null) return null;
        var address = BindingAddress.Parse(listening);
        var host = address.Host is "*" or "+" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)))
            ? "localhost"
            : address.Host;
        return string.Create(CultureInfo.InvariantCulture, $"http://{host}:{address.Port}");
    }
}
