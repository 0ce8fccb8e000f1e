namespace Mdfs.Gateway.Sources;

/// <summary>
/// Who may be read at this moment. Asked at every turn: while a movie plays for hours, copies are made and given up, and workers return under other addresses.
/// </summary>
/// <param name="fresh">Those named before have failed, or were given back a while ago: whoever has to ask somebody else for the list does so again.</param>
public delegate ValueTask<IReadOnlyList<ReplicaCandidate>> SourceList(bool fresh, CancellationToken cancellation);

public static class SourceLists
{
    /// <summary>For those who know it without asking.</summary>
    public static SourceList Known(Func<IReadOnlyList<ReplicaCandidate>> list) => (_, _) => ValueTask.FromResult(list());
}
