using System.Globalization;

namespace Mdfs.Web.Texts;

/// <summary>English and Simplified Chinese: what the browser prefers, or what somebody chose, which a cookie remembers.</summary>
public static class Languages
{
    public const string Cookie = "mdfs-language";
    public const string English = "en";
    public const string Chinese = "zh-Hans";

    /// <summary>As it is written in <c>lang</c>.</summary>
    public static string Current => CultureInfo.CurrentUICulture.Name.StartsWith("zh", StringComparison.Ordinal) ? Chinese : English;

    /// <summary>From here on the request, and a circuit that it opens, speaks this language.</summary>
    public static void Use(HttpContext context)
    {
        var culture = CultureInfo.GetCultureInfo(Choose(context.Request));
        CultureInfo.CurrentCulture = culture;
        CultureInfo.CurrentUICulture = culture;
    }

    private static string Choose(HttpRequest request)
    {
        if (request.Cookies.TryGetValue(Cookie, out var chosen) && chosen is English or Chinese) return chosen;
        foreach (var wanted in request.GetTypedHeaders().AcceptLanguage.OrderByDescending(static language => language.Quality ?? 1))
        {
            if (wanted.Quality == 0) continue;
            // Whatever kind of Chinese: simplified characters are nearer to it than English.
            if (wanted.Value.StartsWith("zh", StringComparison.OrdinalIgnoreCase)) return Chinese;
            if (wanted.Value.StartsWith("en", StringComparison.OrdinalIgnoreCase)) return English;
        }

        return English;
    }
}
