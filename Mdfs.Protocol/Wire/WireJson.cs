using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mdfs.Protocol.Wire;

/// <summary>Source-generated JSON for everything that two services, or a service and its disk, exchange.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Beat))]
[JsonSerializable(typeof(BeatReply))]
[JsonSerializable(typeof(InventoryPage))]
[JsonSerializable(typeof(InventoryReply))]
[JsonSerializable(typeof(OpenUpload))]
[JsonSerializable(typeof(PreparedReceipt))]
[JsonSerializable(typeof(AppendReceipt))]
[JsonSerializable(typeof(AppendState))]
[JsonSerializable(typeof(CompleteUpload))]
[JsonSerializable(typeof(JoinUpload))]
[JsonSerializable(typeof(SealReceipt))]
[JsonSerializable(typeof(Tombstone))]
[JsonSerializable(typeof(TombstoneReceipt))]
[JsonSerializable(typeof(VerifyResult))]
[JsonSerializable(typeof(VerifyProgress))]
[JsonSerializable(typeof(ReplicaDescription))]
[JsonSerializable(typeof(NodeRefusal))]
[JsonSerializable(typeof(TrashReport))]
[JsonSerializable(typeof(RestoreTrash))]
[JsonSerializable(typeof(QuarantineReport))]
[JsonSerializable(typeof(AdoptQuarantined))]
[JsonSerializable(typeof(MovieEntry))]
[JsonSerializable(typeof(SourcesReply))]
[JsonSerializable(typeof(GatewayReport))]
[JsonSerializable(typeof(GatewayReply))]
public sealed partial class WireJson : JsonSerializerContext;
