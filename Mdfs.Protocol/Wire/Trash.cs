namespace Mdfs.Protocol.Wire;

/// <summary>What lies in a worker's trash: never reported, served or counted, and gone when its time is over or its room is needed.</summary>
public sealed record TrashReport(IReadOnlyList<TrashedReplica> Replicas);

/// <param name="RemovedAt">By the worker's clock, for people and for the order in which things go.</param>
public sealed record TrashedReplica(ReplicaDescription Replica, DateTimeOffset RemovedAt);

/// <summary>Make trashed bytes a prepared upload.</summary>
public sealed record RestoreTrash(UploadId Upload);
