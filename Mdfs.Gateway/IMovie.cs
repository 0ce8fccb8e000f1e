using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Wire;

namespace Mdfs.Gateway;

/// <summary>A movie that a client has asked for, as far as who serves it knows it: on the master from memory, on a front end from the master's word.</summary>
public interface IMovie
{
    /// <summary>The version that the name had when the request came; all of the answer is of this one.</summary>
    ReplicaDescription Replica { get; }

    /// <summary>The SHA-256 of the movie, or null when it is not known. Asked only when the client wants it.</summary>
    byte[]? FindDigest();

    /// <summary>
    /// Who may be asked now. Where the movie was deleted or overwritten since this reading began, whoever had it then is among them: they keep it in the trash for such readings.
    /// </summary>
    ValueTask<IReadOnlyList<ReplicaCandidate>> SourcesAsync(bool fresh, CancellationToken cancellation);

    /// <summary>A worker has met a bad block of it.</summary>
    void NoteDamage();
}
