using Microsoft.AspNetCore.Http.Features;

namespace Mdfs.Master.Files;

/// <summary>
/// The name that stands in a path such as <c>/api/files/{name}</c>. Kestrel decodes a path once, but leaves <c>%2F</c> as it is, so that afterwards
/// a slash and the three characters <c>%2F</c> look alike. Only the request line tells them apart.
/// </summary>
public static class RouteName
{
    private const string Files = "/api/files/";

    /// <param name="routed">The route value.</param>
    /// <param name="before">What stands in front of the name in the path.</param>
    public static string Of(HttpContext context, string routed, string before = Files)
    {
        if (!routed.Contains("%2F", StringComparison.OrdinalIgnoreCase)) return routed;
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var path = target.Split('?', 2)[0];
        var start = path.LastIndexOf(before, StringComparison.OrdinalIgnoreCase);
        // A request line of an unusual form: taken for a slash, which is refused.
        if (start < 0) return routed.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return Uri.UnescapeDataString(path[(start + before.Length)..].Split('/', 2)[0]);
    }
}
