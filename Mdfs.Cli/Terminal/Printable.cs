using System.Globalization;
using System.Text;

namespace Mdfs.Cli.Terminal;

/// <summary>
/// Names as a terminal may show them. Control characters cannot be in a name that the cluster holds, but they can be in that of a local file, and
/// the marks that turn the direction of text around make <c>gpm.exe</c> look like <c>exe.mpg</c>: both are written as what they are.
/// </summary>
internal static class Printable
{
    public static string Of(string text)
    {
        if (!text.Any(IsHostile)) return text;
        var shown = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (IsHostile(c)) shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else shown.Append(c);
        }

        return shown.ToString();
    }

    private static bool IsHostile(char c) =>
        char.IsControl(c) || c is '\u2028' or '\u2029' or '\u200e' or '\u200f' or '\u061c' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
