namespace Mdfs.Protocol.Security;

/// <summary>What a token allows. A token for one purpose is worth nothing for another.</summary>
public enum NodePurpose
{
    /// <summary>Master to worker: open, seal, drop, tombstone, verify. Bound to the SHA-256 of the body.</summary>
    Control,

    /// <summary>Master to worker: the bytes of an upload or a window of a replica.</summary>
    Data,

    /// <summary>Worker to master: beats and inventories; front end to master: what it is sending. Bound to the SHA-256 of the body.</summary>
    Report,

    /// <summary>Worker to worker: a window of a replica, for a pull.</summary>
    Peer,

    /// <summary>Front end to master: what a movie is, and who has it.</summary>
    Gateway,

    /// <summary>
    /// Master to worker, by way of a front end: windows of one version, whichever and for hours. Not bound to the query, so that who carries it can go on reading while
    /// the master is away; it opens no more than a link to that version does (<see cref="NodeTokens.Grant"/>).
    /// </summary>
    Window,
}

/// <summary>The signed fields of a token (design, section 8).</summary>
/// <param name="Sender">The node id of the worker, or <see cref="NodeTokens.Master"/>.</param>
/// <param name="Receiver">Whom it is for, likewise.</param>
/// <param name="Epoch">Of the master that speaks, or the highest the worker obeyed.</param>
/// <param name="Expires">Milliseconds since 1970 by the master's clock; at most 60 s ahead, for <see cref="NodePurpose.Window"/> at most <see cref="NodeTokens.MaxGrantLife"/>.</param>
/// <param name="BodyHash">SHA-256 of the body in base64url, or empty where the purpose does not bind the body.</param>
public sealed record NodeToken(NodePurpose Purpose, string Sender, string Receiver, long Epoch, long Expires, string BodyHash);

public enum TokenVerdict
{
    Valid,
    Missing,
    Malformed,

    /// <summary>Wrong key, or issued for another method, path or query.</summary>
    BadSignature,
    WrongReceiver,
    WrongPurpose,
    Expired,
}
