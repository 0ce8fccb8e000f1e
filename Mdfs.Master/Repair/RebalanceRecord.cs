using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Master.Repair;

[JsonConverter(typeof(JsonStringEnumConverter<RebalanceState>))]
public enum RebalanceState
{
    /// <summary>Nobody wants one, or the last one is over.</summary>
    None,

    Running,

    /// <summary>What was begun is finished, and nothing further is begun.</summary>
    Paused,
}

/// <summary>A rebalance as it stands in Redis, so that it goes on after a restart of the master.</summary>
/// <param name="BytesPerSecond">Over all moves; 0: no limit.</param>
/// <param name="Ended">How the last one came to its end; null while one is under way.</param>
/// <param name="Underway">Moves that were begun: written down before a copy is ordered, so that a later master knows which copy is to go.</param>
public sealed record RebalanceRecord(
    RebalanceState State, long BytesPerSecond, DateTimeOffset? Since, string? Ended, int MoviesMoved, long BytesMoved, IReadOnlyList<Move> Underway)
{
    public static readonly RebalanceRecord Nothing = new(RebalanceState.None, 0, null, null, 0, 0, []);

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, RebalanceJson.Default.RebalanceRecord);

    /// <summary>What cannot be read counts as none: the moves in it become surplus copies, which are trimmed.</summary>
    public static RebalanceRecord Read(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, RebalanceJson.Default.RebalanceRecord) is { Underway: not null } record ? record : Nothing;
        }
        catch (JsonException)
        {
            return Nothing;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RebalanceRecord))]
internal sealed partial class RebalanceJson : JsonSerializerContext;
