using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// One sealed replica of a version as its node reported it to this master. Only what came in a beat or inventory that carried this master's
/// epoch may stand here: a node that has not yet obeyed this master may still be carrying out an order of its predecessor.
/// </summary>
/// <param name="Verified">Written or read whole and found good in the node's present life.</param>
/// <param name="Leaving">This master has told the node to remove it, and the order may have been carried out (<see cref="LeavingCopies"/>): it is as good as gone.</param>
public readonly record struct HeldCopy(NodeId Node, bool Damaged, bool Verified, bool Leaving = false);
