namespace Mdfs.Protocol.Wire;

/// <summary>What lies in a worker's quarantine: never served, counted or deleted before an admin has judged.</summary>
public sealed record QuarantineReport(IReadOnlyList<QuarantinedReplica> Replicas);

/// <param name="Id">Tells it from everything else in quarantine on that node.</param>
/// <param name="Reason">A sentence.</param>
/// <param name="PutAt">By the worker's clock, for people.</param>
/// <param name="Size">Bytes that lie there.</param>
/// <param name="Replica">What it was sealed as; null: neither of its sidecars says.</param>
public sealed record QuarantinedReplica(string Id, string Reason, DateTimeOffset PutAt, long Size, ReplicaDescription? Replica);

/// <summary>Make quarantined bytes a prepared upload.</summary>
public sealed record AdoptQuarantined(UploadId Upload);
