using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>What <see cref="NodeGuard"/> has to know of the service that it guards. Register one per service.</summary>
public interface INodeAuthority
{
    /// <summary>Whom tokens to this service must name: its node id, or <see cref="NodeTokens.Master"/>.</summary>
    string Receiver { get; }

    /// <summary>
    /// Milliseconds since 1970 by the master's clock: on the master its own, on a worker what the last beat's reply told, carried on by the
    /// monotonic clock (design, section 8).
    /// </summary>
    long Now { get; }

    /// <summary>
    /// Whether an expired token is answered with the signed time, so that a worker whose clock is off can set its idea of it. Only the master does.
    /// </summary>
    bool TellsTime { get; }

    /// <summary>
    /// The last word on a token whose signature and body are right: a worker refuses an epoch lower than the highest it obeyed, and keeps a
    /// higher one. Null: it may pass. A refusal travels as 409.
    /// </summary>
    /// <param name="method">Of the request: what only reads (RFC 9110, section 9.2.1) need not be the latest word.</param>
    NodeRefusal? Judge(NodeToken token, string method);
}
