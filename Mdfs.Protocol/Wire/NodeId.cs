using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Protocol.Wire;

/// <summary>Who a worker is, wherever it listens: 32 lower-case hex digits, made once and kept in its data directory (design, section 1).</summary>
[JsonConverter(typeof(Converter))]
public readonly record struct NodeId : IComparable<NodeId>
{
    private readonly string? _value;

    private NodeId(string value) => _value = value;

    public string Value => _value ?? throw new InvalidOperationException("This NodeId was never given a value.");

    public static NodeId New() => new(RandomNumberGenerator.GetHexString(32, lowercase: true));

    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId id)
    {
        id = default;
        if (!HexId.IsValid(text)) return false;
        id = new NodeId(text);
        return true;
    }

    /// <exception cref="FormatException">The text is not 32 hex digits.</exception>
    public static NodeId Parse(string text) => TryParse(text, out var id) ? id : throw new FormatException("A node id is 32 hex digits.");

    public int CompareTo(NodeId other) => string.CompareOrdinal(_value, other._value);

    public override string ToString() => _value ?? "";

    public sealed class Converter : JsonConverter<NodeId>
    {
        public override NodeId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TryParse(reader.GetString(), out var id) ? id : throw new JsonException("A node id is 32 hex digits.");

        public override void Write(Utf8JsonWriter writer, NodeId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
