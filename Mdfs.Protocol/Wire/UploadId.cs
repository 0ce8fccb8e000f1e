using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mdfs.Protocol.Versions;

namespace Mdfs.Protocol.Wire;

/// <summary>The id of bytes on their way: 32 lower-case hex digits, drawn by the master, safe as a file name. All zeros is nobody's.</summary>
[JsonConverter(typeof(Converter))]
public readonly record struct UploadId
{
    // As a number, since every movie in the catalog has one: 16 bytes each instead of the 96 of a string.
    private readonly ulong _high;
    private readonly ulong _low;

    private UploadId(UInt128 value) => (_high, _low) = ((ulong)(value >> 64), (ulong)value);

    /// <summary>Nobody's: of the file in which workers plant rot to find it again.</summary>
    public static UploadId Canary { get; } = new(0xC0DE);

    public string Value => Number != 0 ? Number.ToString("x32", CultureInfo.InvariantCulture) : throw new InvalidOperationException("This UploadId was never given a value.");

    private UInt128 Number => new(_high, _low);

    /// <summary>Of the bytes of a deleted version that are to become a movie again: the same for each attempt, so that one that failed half-way is gone on with and not begun beside.</summary>
    public static UploadId Undeleting(MovieVersion version) => new((ulong)version.Number);

    /// <summary>The deleted version whose bytes these would be, if they came from the trash. Of others it is no version that anybody has.</summary>
    public MovieVersion? Undeletes => _high == 0 && _low is > 0 and <= long.MaxValue ? new MovieVersion((long)_low) : null;

    public static UploadId New() => new(BinaryPrimitives.ReadUInt128BigEndian(RandomNumberGenerator.GetBytes(16)));

    public static bool TryParse([NotNullWhen(true)] string? text, out UploadId id)
    {
        id = default;
        if (!HexId.IsValid(text)) return false;
        id = new UploadId(UInt128.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        return id != default;
    }

    public override string ToString() => Number != 0 ? Value : "";

    public sealed class Converter : JsonConverter<UploadId>
    {
        public override UploadId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TryParse(reader.GetString(), out var id) ? id : throw new JsonException("An upload id is 32 hex digits.");

        public override void Write(Utf8JsonWriter writer, UploadId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
