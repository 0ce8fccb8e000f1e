using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>Which names and addresses stay on this machine.</summary>
internal static class Loopback
{
    /// <param name="host">A name or an address, an IPv6 one with or without brackets.</param>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>Of an address to listen on, as in <c>ASPNETCORE_URLS</c>: <c>http://*:80</c> and <c>http://nas:80</c> are not.</summary>
    public static bool StaysHere(string listen)
    {
        var address = BindingAddress.Parse(listen);
        return address.IsUnixPipe || address.IsNamedPipe || IsLoopback(address.Host);
    }

    /// <summary>What configuration says about where to listen; empty when it says nothing.</summary>
    public static IReadOnlyList<string> ConfiguredAddresses(IConfiguration configuration)
    {
        // The order in which Kestrel lets one setting override another.
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(static endpoint => endpoint["Url"]).OfType<string>().ToList();
        if (endpoints.Count > 0) return endpoints;
        var urls = ConfiguredList.Read(configuration, "urls");
        if (urls.Count > 0) return urls;
        return
        [
            .. ConfiguredList.Read(configuration, "http_ports").Select(static port => $"http://*:{port}"),
            .. ConfiguredList.Read(configuration, "https_ports").Select(static port => $"https://*:{port}"),
        ];
    }
}
