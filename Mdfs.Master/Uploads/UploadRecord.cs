using System.Text.Json;
using System.Text.Json.Serialization;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Uploads;

/// <summary>What the master must not forget of a resumable upload. Small whatever the movie's size: of all pieces only where they end and one checksum.</summary>
public sealed record UploadRecord
{
    public required UploadId Id { get; init; }

    /// <summary>What it becomes; null for a part of an upload, which becomes nothing by itself.</summary>
    public FileName? Name { get; init; }

    /// <summary>By what the ring is walked when there is no name.</summary>
    public FileName? Place { get; init; }

    /// <summary>Bytes of the whole; null while the client has not said.</summary>
    public long? Length { get; init; }

    /// <summary><c>Upload-Metadata</c> as the client sent it, or null.</summary>
    public string? Metadata { get; init; }

    /// <summary><c>Upload-Concat</c> as the client sent it, or null.</summary>
    public string? Concat { get; init; }

    /// <summary>The workers that have every acknowledged byte on disk; null: none was chosen yet, since no byte has come and nobody knows how many will.</summary>
    public IReadOnlyList<NodeId>? Targets { get; init; }

    public long Offset { get; init; }

    /// <summary>CRC-32 of the bytes in front of <see cref="Offset"/>.</summary>
    public Checksum Checksum { get; init; }

    /// <summary>CRC-32 that the client says the whole has; null: it has not said.</summary>
    public Checksum? Expected { get; init; }

    /// <summary>Under which it is to become a movie; null: under none.</summary>
    public ChangeCondition? Condition { get; init; }

    /// <summary>Cluster age in seconds at the last piece; the upload expires by it.</summary>
    public double TouchedAge { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Begun by the IETF draft, where all bytes are not the end: the client has to say so.</summary>
    public bool Draft { get; init; }

    /// <summary>The client has said that no bytes follow.</summary>
    public bool Closed { get; init; }

    /// <summary>The version it was committed as; null until then.</summary>
    public MovieVersion? Version { get; init; }

    [JsonIgnore]
    public UploadProgress Progress => new(Offset, Checksum);

    [JsonIgnore]
    public bool IsPartial => Concat == UploadConcat.Partial;

    [JsonIgnore]
    public bool IsFinal => UploadConcat.IsFinal(Concat);

    /// <summary>Every byte is there.</summary>
    [JsonIgnore]
    public bool IsWhole => Offset == Length;

    /// <summary>It is whole, and not what the client says it is.</summary>
    [JsonIgnore]
    public bool IsAnother => IsWhole && Expected is { } expected && expected != Checksum;

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, UploadJson.Default.UploadRecord);

    /// <summary>Null when it cannot be read.</summary>
    public static UploadRecord? FromJson(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, UploadJson.Default.UploadRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UploadRecord))]
internal sealed partial class UploadJson : JsonSerializerContext;
