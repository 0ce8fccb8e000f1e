using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Protocol.Versions;

/// <summary>
/// A number that orders all commits and deletions of a cluster (design, section 1). Minted by the master at the commit: microseconds
/// since 1970 unless something higher was heard of, so it fits the 53 bits that every JSON reader keeps exactly until the year 2255.
/// Zero is "before everything".
/// </summary>
[JsonConverter(typeof(Converter))]
public readonly record struct MovieVersion(long Number) : IComparable<MovieVersion>
{
    public static readonly MovieVersion None = default;

    /// <summary>The strong ETag of this version (RFC 9110, 8.8.3): equal on every replica, since replicas of a version are identical.</summary>
    public string ETag => $"\"{Number.ToString(CultureInfo.InvariantCulture)}\"";

    public static MovieVersion Max(MovieVersion a, MovieVersion b) => a.Number >= b.Number ? a : b;

    public static bool TryParse(ReadOnlySpan<char> text, out MovieVersion version)
    {
        version = default;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number <= 0) return false;
        version = new MovieVersion(number);
        return true;
    }

    public int CompareTo(MovieVersion other) => Number.CompareTo(other.Number);

    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);

    public static bool operator <(MovieVersion a, MovieVersion b) => a.Number < b.Number;

    public static bool operator >(MovieVersion a, MovieVersion b) => a.Number > b.Number;

    public static bool operator <=(MovieVersion a, MovieVersion b) => a.Number <= b.Number;

    public static bool operator >=(MovieVersion a, MovieVersion b) => a.Number >= b.Number;

    public sealed class Converter : JsonConverter<MovieVersion>
    {
        public override MovieVersion Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TryGetInt64(out var number) && number >= 0 ? new MovieVersion(number) : throw new JsonException("A version is a whole number, not below zero.");

        public override void Write(Utf8JsonWriter writer, MovieVersion value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Number);
    }
}
