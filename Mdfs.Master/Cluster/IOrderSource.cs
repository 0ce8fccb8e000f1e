using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Somebody who may want something of a node. Asked at the moment a beat is answered, under the registry's lock, so that orders which
/// remove bytes are computed from what is known now and are never queued (design, section 6).
/// </summary>
public interface IOrderSource
{
    void AddOrders(NodeState node, List<NodeOrder> orders);
}
