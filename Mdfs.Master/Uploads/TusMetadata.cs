using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Mdfs.Master.Uploads;

/// <summary>
/// The value of <c>Upload-Metadata</c> (tus 1.0, creation): pairs of a key and a Base64 value. Kept and told again as it came; only the name is looked at. What does not
/// follow the grammar is refused, so that it is safe to be sent back as a header.
/// </summary>
public sealed class TusMetadata
{
    /// <summary>The longest header that is kept, in characters; a name has at most 255 bytes.</summary>
    public const int MaxLength = 4096;

    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);

    private readonly Dictionary<string, byte[]> _values = new(StringComparer.Ordinal);

    private TusMetadata()
    {
    }

    public static bool TryParse(string header, [NotNullWhen(true)] out TusMetadata? metadata, [NotNullWhen(false)] out string? problem)
    {
        metadata = null;
        problem = Read(header, out var read);
        if (problem is not null) return false;
        metadata = read;
        return true;
    }

    /// <summary>The name: <c>filename</c>, or <c>name</c> as some clients say. Null: there is none, or it is no UTF-8.</summary>
    public string? Name => Text("filename") ?? Text("name");

    private string? Text(string key)
    {
        try
        {
            return _values.TryGetValue(key, out var value) ? _strict.GetString(value) : null;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string? Read(string header, out TusMetadata metadata)
    {
        metadata = new TusMetadata();
        if (header.Length > MaxLength) return $"Upload-Metadata has at most {MaxLength} characters.";
        foreach (var pair in header.Split(','))
        {
            if (pair.Trim(' ').Split(' ') is not [{ Length: > 0 } key, .. { Length: <= 1 } value]) return "Upload-Metadata is a list of 'key base64', separated by commas.";
            if (key.Any(c => c is < '!' or > '~')) return "A key in Upload-Metadata is made of visible ASCII characters.";
            var decoded = new byte[value is [var text] ? text.Length : 0];
            var length = 0;
            if (value is [var base64] && !Convert.TryFromBase64String(base64, decoded, out length)) return $"The value of '{key}' in Upload-Metadata is not Base64.";
            if (!metadata._values.TryAdd(key, decoded[..length])) return $"'{key}' stands twice in Upload-Metadata.";
        }

        return null;
    }
}
