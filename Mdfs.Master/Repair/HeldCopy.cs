using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Repair;

/// <summary>
/// One sealed replica of a version as its node reported it to this master. Only what came in a beat or inventory that carried this master's
/// epoch may stand here: a node that has not yet obeyed this master may still be carrying out an order of its predecessor.
/// </summary>
/// <param name="Verified">Written or read whole and found good in the node's present life.</param>
/// <param name="Leaving">
/// This master has told the node to remove it, and the order may still be carried out: until the life of the order is over and a later beat still
/// shows the replica, it is as good as gone.
/// </param>
public readonly record struct HeldCopy(NodeId Node, bool Damaged, bool Verified, bool Leaving = false);

/// <summary>How busy a node is and how lately it was heard.</summary>
/// <param name="Streams">Windows being sent.</param>
/// <param name="SinceBeat">Monotonic time since its last beat came.</param>
public readonly record struct NodeActivity(int Streams, TimeSpan SinceBeat);
