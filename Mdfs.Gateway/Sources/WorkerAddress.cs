using Mdfs.Protocol.Wire;

namespace Mdfs.Gateway.Sources;

/// <summary>All that a transfer needs to know of a worker.</summary>
/// <param name="Id">For whom the tokens are issued: another worker that took over the address cannot use them.</param>
/// <param name="Address"><c>http://host:port</c>, no trailing slash.</param>
public readonly record struct WorkerAddress(NodeId Id, string Address)
{
    public override string ToString() => Address;
}
