using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>Where masters may be found: <c>services:master:http:0</c>, <c>:1</c>, …, the keys that Aspire injects. One reigns; the others refuse.</summary>
public static class ConfiguredMasters
{
    private const string Setting = "services:master:http";
    private const int Most = 64;

    /// <summary>That there is none, where there has to be one.</summary>
    public static SettingException Missing() => new($"No master is configured. Set {Setting}:0 (environment variable services__master__http__0) to its address.");

    /// <summary>Their addresses without a slash at the end, perhaps none.</summary>
    /// <exception cref="SettingException">One of them is no address.</exception>
    public static string[] Read(IConfiguration configuration)
    {
        string[] all = [.. Enumerable.Range(0, Most)
            .Select(index => configuration[string.Create(CultureInfo.InvariantCulture, $"{Setting}:{index}")])
            .TakeWhile(static address => !string.IsNullOrWhiteSpace(address))
            .Select(static address => address!.TrimEnd('/'))];
        var bad = Array.FindIndex(all, static address => !(Uri.TryCreate(address, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)));
        return bad < 0 ? all : throw new SettingException(string.Create(CultureInfo.InvariantCulture, $"{Setting}:{bad} is '{all[bad]}', which is no address. Give http://host:port."));
    }
}
