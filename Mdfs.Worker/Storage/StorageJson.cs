using System.Text.Json;
using System.Text.Json.Serialization;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Integrity;

namespace Mdfs.Worker.Storage;

/// <summary>Source-generated JSON for what only this worker's disk sees.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NodeFacts))]
[JsonSerializable(typeof(UploadReceipt))]
[JsonSerializable(typeof(AppendNote))]
[JsonSerializable(typeof(Tombstone))]
[JsonSerializable(typeof(ReplicaDescription))]
[JsonSerializable(typeof(ScrubFacts))]
internal sealed partial class StorageJson : JsonSerializerContext;
