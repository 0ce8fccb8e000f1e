using System.Net;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Configuration;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// The client's address is taken from <c>X-Forwarded-For</c> only when the request comes from a proxy listed in <c>Mdfs:TrustedProxies</c>
/// (addresses or networks like <c>10.0.0.0/8</c>); with none listed the headers mean nothing (design, section 8).
/// </summary>
/// <remarks><c>X-Forwarded-Host</c> is never read: a page can set it, and a proxy that passes <c>Host</c> on does not need it.</remarks>
internal static class TrustedProxies
{
    /// <exception cref="SettingException">An entry is neither an address nor a network.</exception>
    public static void Configure(ForwardedHeadersOptions options, IConfiguration configuration)
    {
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var entry in ConfiguredList.Read(configuration, "Mdfs:TrustedProxies"))
        {
            if (IPAddress.TryParse(entry, out var address)) options.KnownProxies.Add(address);
            else if (System.Net.IPNetwork.TryParse(entry, out var network)) options.KnownIPNetworks.Add(network);
            else throw new SettingException($"Mdfs:TrustedProxies holds '{entry}', which is neither an IP address nor a network such as 10.0.0.0/8.");
        }

        var any = options.KnownProxies.Count + options.KnownIPNetworks.Count > 0;
        options.ForwardedHeaders = any ? ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto : ForwardedHeaders.None;
        // As many hops as there are trusted ones in a row.
        options.ForwardLimit = null;
    }
}
