using System.Diagnostics;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>
/// Gives a request's span another name than its route's, for routes that say nothing, such as "everything else". The instrumentation writes the route over any name when the
/// request ends, so the wish waits in a tag until then.
/// </summary>
public static class SpanNames
{
    private const string Wish = "mdfs.span.name";

    /// <param name="name">Never anything of the request itself: a name is what traces are grouped by.</param>
    public static void Rename(this Activity span, string name) => span.SetTag(Wish, name);

    internal static void Fulfil(Activity span)
    {
        if (span.GetTagItem(Wish) is not string name) return;
        span.SetTag(Wish, null);
        span.DisplayName = name;
    }
}
