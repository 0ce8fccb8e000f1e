using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>Bytes promised to a node, and up to which of its beats they could not be known to it.</summary>
public readonly record struct PromisedBytes(NodeId Node, string? Life, long Beat, long Bytes);
