using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Protocol.Wire;

/// <summary>The id of bytes on their way: 32 lower-case hex digits, drawn by the master, safe as a file name.</summary>
[JsonConverter(typeof(Converter))]
public readonly record struct UploadId
{
    private readonly string? _value;

    private UploadId(string value) => _value = value;

    /// <summary>Nobody's: of the file in which workers plant rot to find it again.</summary>
    public static UploadId Canary { get; } = new("0000000000000000000000000000c0de");

    public string Value => _value ?? throw new InvalidOperationException("This UploadId was never given a value.");

    public static UploadId New() => new(RandomNumberGenerator.GetHexString(32, lowercase: true));

    public static bool TryParse([NotNullWhen(true)] string? text, out UploadId id)
    {
        id = default;
        if (!HexId.IsValid(text)) return false;
        id = new UploadId(text);
        return true;
    }

    public override string ToString() => _value ?? "";

    public sealed class Converter : JsonConverter<UploadId>
    {
        public override UploadId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TryParse(reader.GetString(), out var id) ? id : throw new JsonException("An upload id is 32 hex digits.");

        public override void Write(Utf8JsonWriter writer, UploadId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
