using System.Text.Json;
using System.Text.Json.Serialization;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog.Store;

/// <summary>An entry as it stands in Redis.</summary>
internal sealed record StoredEntry(ReplicaDescription? Replica, NodeId[]? Hint);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredEntry))]
[JsonSerializable(typeof(Tombstone))]
[JsonSerializable(typeof(NodeRecord))]
internal sealed partial class StoreJson : JsonSerializerContext;
