using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Protocol.Checksums;

/// <summary>A CRC-32 (IEEE) of a movie's bytes; written as the classic 8 lower-case hex digits.</summary>
[JsonConverter(typeof(Converter))]
public readonly record struct Checksum(uint Value)
{
    public static Checksum Of(ReadOnlySpan<byte> bytes) => new(WideChecksum.Of(bytes));

    /// <summary>That of the same bytes and these after them. The CRC-32 of nothing is 0, the default.</summary>
    public Checksum Append(ReadOnlySpan<byte> bytes) => new(WideChecksum.Of(bytes, Value));

    public static bool TryParse(ReadOnlySpan<char> text, out Checksum checksum)
    {
        checksum = default;
        if (text.Length != 8 || !uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)) return false;
        checksum = new Checksum(value);
        return true;
    }

    public override string ToString() => Value.ToString("x8", CultureInfo.InvariantCulture);

    public sealed class Converter : JsonConverter<Checksum>
    {
        public override Checksum Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TryParse(reader.GetString(), out var checksum) ? checksum : throw new JsonException("A checksum is 8 hex digits.");

        public override void Write(Utf8JsonWriter writer, Checksum value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}
