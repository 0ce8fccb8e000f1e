using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Protocol.Names;

/// <summary>
/// The name of a movie, as a person sees it (design, section 1): 1 to 255 UTF-8 bytes after NFC normalisation, no control
/// characters, no <c>/</c> or <c>\</c>, not <c>.</c> or <c>..</c>, no leading or trailing space. Whoever holds one needs no further check.
/// Compared by ordinal; two spellings that differ only in normalisation are the same name.
/// </summary>
[JsonConverter(typeof(Converter))]
public readonly record struct FileName : IComparable<FileName>
{
    /// <summary>The longest name, in UTF-8 bytes: what the usual file systems of clients can hold.</summary>
    public const int MaxBytes = 255;

    private readonly string? _value;

    private FileName(string value) => _value = value;

    public string Value => _value ?? throw new InvalidOperationException("This FileName was never given a value.");

    /// <summary>Reads a name; on failure <paramref name="problem"/> is a sentence for the person who sent it.</summary>
    public static bool TryParse([NotNullWhen(true)] string? raw, out FileName name, [NotNullWhen(false)] out string? problem)
    {
        name = default;
        problem = Refusal(raw, out var normalised);
        if (problem is not null) return false;
        name = new FileName(normalised);
        return true;
    }

    /// <exception cref="FormatException">The text is not a valid name.</exception>
    public static FileName Parse(string raw) =>
        TryParse(raw, out var name, out var problem) ? name : throw new FormatException(problem);

    /// <summary>
    /// Asked once at start: without ICU (invariant globalization) .NET leaves names unnormalised without a word, and two spellings of one
    /// name would become two movies.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">This machine cannot normalise Unicode.</exception>
    public static void RequireNormalisation()
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC) == "\u00e9") return;
        throw new PlatformNotSupportedException(
            "This machine cannot normalise Unicode names: install ICU (package libicu) and leave DOTNET_SYSTEM_GLOBALIZATION_INVARIANT unset.");
    }

    public int CompareTo(FileName other) => string.CompareOrdinal(Value, other.Value);

    public override string ToString() => _value ?? "";

    private static string? Refusal(string? raw, out string normalised)
    {
        normalised = "";
        if (string.IsNullOrEmpty(raw)) return "The name is missing: give a file name of 1 to 255 bytes.";
        // Longer than any normalisation could shorten: refuse before normalising a megabyte.
        if (raw.Length > 4 * MaxBytes) return "The name is too long: at most 255 bytes in UTF-8.";
        // A lone surrogate has no UTF-8 form, so it would not survive the way to a worker and back.
        if (!IsWellFormed(raw)) return "The name is not valid Unicode.";
        normalised = raw.IsNormalized(NormalizationForm.FormC) ? raw : raw.Normalize(NormalizationForm.FormC);
        if (Encoding.UTF8.GetByteCount(normalised) > MaxBytes) return "The name is too long: at most 255 bytes in UTF-8.";
        if (normalised is "." or "..") return "The name must not be '.' or '..'.";
        foreach (var c in normalised)
        {
            if (c is '/' or '\\') return "The name must not contain '/' or '\\'.";
            // U+2028 and U+2029 end a line in logs, playlists and scripts just as CR and LF do.
            if (char.IsControl(c) || c is '\u2028' or '\u2029') return "The name must not contain control characters.";
        }

        return char.IsWhiteSpace(normalised[0]) || char.IsWhiteSpace(normalised[^1])
            ? "The name must not begin or end with a space."
            : null;
    }

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }

        return true;
    }

    public sealed class Converter : JsonConverter<FileName>
    {
        public override FileName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TryParse(reader.GetString(), out var name, out var problem) ? name : throw new JsonException(problem);

        public override void Write(Utf8JsonWriter writer, FileName value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
