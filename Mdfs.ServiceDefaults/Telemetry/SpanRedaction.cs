using System.Diagnostics;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>
/// No span leaves with a query or a key (design, section 8): queries carry the classic <c>secret</c>, names and signatures; and somebody may
/// have put a key into a path or a header by mistake.
/// </summary>
internal sealed class SpanRedaction
{
    private const string Redacted = "[redacted]";

    private static readonly string[] _queries = ["url.query", "http.query"];
    private static readonly string[] _addresses = ["url.full", "http.url", "http.target"];

    private readonly string[] _secrets;

    public SpanRedaction(IOptions<AdminKeyOptions> keys, IOptions<ClusterKeyOptions> cluster)
    {
        string?[] secrets = [keys.Value.AdminKey, keys.Value.ReaderKey, cluster.Value.ClusterKey];
        _secrets = [.. secrets.OfType<string>().Where(static secret => secret.Length > 0)];
    }

    public void Apply(Activity span)
    {
        foreach (var query in _queries)
        {
            if (span.GetTagItem(query) is not null) span.SetTag(query, null);
        }

        foreach (var address in _addresses)
        {
            if (span.GetTagItem(address) is string url && url.IndexOf('?') is >= 0 and var at) span.SetTag(address, url[..at]);
        }

        List<string>? telling = null;
        foreach (ref readonly var tag in span.EnumerateTagObjects())
        {
            if (tag.Value is string text && Tells(text)) (telling ??= []).Add(tag.Key);
        }

        foreach (var key in telling ?? []) span.SetTag(key, Redacted);
        if (Tells(span.DisplayName)) span.DisplayName = Redacted;
        if (span.StatusDescription is { } description && Tells(description)) span.SetStatus(span.Status, Redacted);
    }

    private bool Tells(string text)
    {
        var plain = text.Contains('%') ? Uri.UnescapeDataString(text) : text;
        foreach (var secret in _secrets)
        {
            if (text.Contains(secret, StringComparison.Ordinal) || plain.Contains(secret, StringComparison.Ordinal)) return true;
        }

        return false;
    }
}
