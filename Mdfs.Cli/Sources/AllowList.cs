namespace Mdfs.Cli.Sources;

/// <summary>The hosts that a list of URLs may name: <c>host</c>, <c>host:port</c> or <c>*.example.com</c>. A list that somebody else wrote must not make this machine ask others.</summary>
internal sealed class AllowList(IReadOnlyList<string> entries)
{
    public void Require(Uri url)
    {
        if (url.Scheme is not ("http" or "https")) throw new CliException($"{url} is neither http nor https.", ExitCodes.Failed);
        if (url.UserInfo.Length > 0) throw new CliException($"A URL of {url.Host} carries a password. Leave it out.", ExitCodes.Failed);
        if (!entries.Any(entry => Matches(entry, url))) throw new CliException($"{url.Authority} is not on the list of allowed hosts (--allow {url.Authority}).", ExitCodes.Failed);
    }

    private static bool Matches(string entry, Uri url) =>
        entry.StartsWith("*.", StringComparison.Ordinal) ? url.IsDefaultPort && url.Host.EndsWith(entry[1..], StringComparison.OrdinalIgnoreCase)
        : entry.Equals(url.Authority, StringComparison.OrdinalIgnoreCase) || entry.Equals($"{url.Host}:{url.Port}", StringComparison.OrdinalIgnoreCase);
}
