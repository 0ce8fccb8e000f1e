using System.Globalization;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Viewing;

/// <summary>Texts that say how many. A language that speaks of one and of many differently has both in one text, <c>one|many</c>; another one has one form for all.</summary>
public static class Counting
{
    /// <param name="number">What decides on the form; it is in the text only where it is among the values.</param>
    public static string Counted(this IStringLocalizer words, string key, long number, params object[] values)
    {
        var text = words[key].Value;
        if (text.IndexOf('|', StringComparison.Ordinal) is var bar and >= 0) text = number == 1 ? text[..bar] : text[(bar + 1)..];
        return string.Format(CultureInfo.CurrentCulture, text, values);
    }
}
