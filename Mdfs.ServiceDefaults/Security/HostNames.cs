using System.Globalization;
using System.Net;
using System.Text;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// The names this service answers to, so that a page which made its own name point here (DNS rebinding) gets nowhere (design, section 8).
/// <c>Mdfs:AllowedHosts</c> lists them: names, <c>*.example.com</c>, or <c>*</c> for all. Loopback names always count.
/// </summary>
/// <remarks>
/// With nothing configured: in Development only loopback names; elsewhere also whatever no stranger can make a DNS entry for, that is IP
/// addresses, names without a dot (<c>nas</c>, a container's <c>master</c>) and the private domains of RFC 6762, RFC 8375 and ICANN's
/// <c>.internal</c>. So a home network works as it is, and a public name has to be written down.
/// </remarks>
public sealed class HostNames
{
    private const string Setting = "Mdfs:AllowedHosts";

    private static readonly IdnMapping _names = new();
    private static readonly string[] _privateDomains = [".local", ".lan", ".home.arpa", ".internal"];

    private readonly bool _development;
    private readonly IReadOnlyList<string> _configured;

    // Nearly everybody names the same one, and there are requests by the ten thousand.
    private string? _last;

    /// <exception cref="SettingException">An entry is no name: it would match no request, and stand in place of the default all the same.</exception>
    public HostNames(IConfiguration configuration, IHostEnvironment environment)
    {
        _development = environment.IsDevelopment();
        _configured = [.. ConfiguredList.Read(configuration, Setting).Select(AsSent)];
    }

    /// <summary>
    /// The host that a request names, spelt as it was sent, which is how a browser spells it in Origin too. <see cref="HttpRequest.Host"/> turns names of other scripts (<c>xn--…</c>) into those, and
    /// fails where it cannot.
    /// </summary>
    public static HostString Of(HttpRequest request) => new(request.Headers.Host.ToString());

    /// <param name="host">As it was sent (<see cref="Of"/>), with or without a port, which does not count.</param>
    public bool Allows(HostString host)
    {
        if (host.Value == Volatile.Read(ref _last)) return host.HasValue;
        if (!IsAllowed(host)) return false;
        Volatile.Write(ref _last, host.Value);
        return true;
    }

    private bool IsAllowed(HostString host)
    {
        var name = host.Host.TrimEnd('.');
        if (name.Length == 0 || !IsName(name)) return false;
        if (Loopback.IsLoopback(name)) return true;
        if (_configured.Count > 0) return _configured.Any(pattern => Matches(pattern, name));
        return !_development && IsOutOfStrangersReach(name);
    }

    // What stands in a list may be written in any script.
    private static string AsSent(string entry)
    {
        if (entry == "*") return entry;
        var rest = entry.StartsWith("*.", StringComparison.Ordinal) ? 2 : 0;
        var name = entry[rest..].TrimEnd('.');
        try
        {
            if (!Ascii.IsValid(name)) name = _names.GetAscii(name);
        }
        catch (ArgumentException)
        {
            // No name in any script: refused below.
        }

        // With a scheme, a port or a path it is an address, and no request names one.
        if (Uri.CheckHostName(name) != UriHostNameType.Unknown) return entry[..rest] + name;
        throw new SettingException($"{Setting} holds '{entry}', which is no host name. A host name looks like films.example.com, without a scheme, a port or a path; '*.example.com' stands for all below it, '*' for all.");
    }

    // Others' code that reads such a name fails over it.
    private static bool IsName(string host)
    {
        if (!host.Contains("xn--", StringComparison.OrdinalIgnoreCase)) return true;
        try
        {
            _ = _names.GetUnicode(host);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool Matches(string pattern, string name) =>
        pattern == "*"
        || (pattern.StartsWith("*.", StringComparison.Ordinal) && name.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase))
        || name.Trim('[', ']').Equals(pattern.Trim('[', ']'), StringComparison.OrdinalIgnoreCase);

    private static bool IsOutOfStrangersReach(string name) =>
        IPAddress.TryParse(name, out _)
        || !name.Contains('.')
        || _privateDomains.Any(domain => name.EndsWith(domain, StringComparison.OrdinalIgnoreCase));
}
