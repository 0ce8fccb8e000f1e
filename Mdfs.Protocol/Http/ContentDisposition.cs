using System.Text;

namespace Mdfs.Protocol.Http;

/// <summary>
/// The <c>Content-Disposition</c> of a movie (RFC 6266): the real name in <c>filename*</c> (RFC 8187) and beside it a plain one for clients
/// that know no better.
/// </summary>
public static class ContentDisposition
{
    /// <summary>
    /// Whatever the name holds, the value is printable ASCII and cannot end its quotes, its parameter or its line. Control characters become
    /// <c>_</c> in both forms: no file system wants them back.
    /// </summary>
    /// <param name="fileName">The name as a person sees it.</param>
    /// <param name="attachment"><see langword="true"/> to save (<c>attachment</c>), <see langword="false"/> to play (<c>inline</c>).</param>
    public static string For(string fileName, bool attachment)
    {
        var plain = new StringBuilder(fileName.Length);
        var clean = new StringBuilder(fileName.Length);
        foreach (var rune in fileName.EnumerateRunes())
        {
            plain.Append(IsSafeInQuotes(rune) ? (char)rune.Value : '_');
            clean.Append(Rune.IsControl(rune) ? "_" : rune.ToString());
        }

        // EscapeDataString leaves letters, digits and - . _ ~, all of which RFC 8187 allows bare, and UTF-8 encodes the rest.
        return $"{(attachment ? "attachment" : "inline")}; filename=\"{plain}\"; filename*=UTF-8''{Uri.EscapeDataString(clean.ToString())}";
    }

    /// <summary>
    /// RFC 6266, appendix D: no quotes and no backslash, since clients disagree on escapes; no percent sign, since some decode it; no slash,
    /// since some take it for a folder.
    /// </summary>
    private static bool IsSafeInQuotes(Rune rune) => rune.Value is >= ' ' and <= '~' and not ('"' or '\\' or '%' or '/');
}
