using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Web.Api;

/// <summary>Reads <c>healing</c> as an object, or as the bare number of copies being made that earlier masters send.</summary>
internal sealed class HealingConverter : JsonConverter<Healing>
{
    public override Healing? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType == JsonTokenType.Number
        ? new Healing(reader.GetInt32(), 0, 0, 0, null)
        : JsonSerializer.Deserialize<Healing>(ref reader, options);

    public override void Write(Utf8JsonWriter writer, Healing value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value, options);
}
