namespace Mdfs.Gateway.Sources;

/// <summary>
/// Who may be read at this moment. Asked at every turn: while a movie plays for hours, copies are made and given up, and workers return under other addresses.
/// </summary>
/// <param name="fresh">Those named before have failed, or were given back a while ago: whoever has to ask somebody else for the list does so again.</param>
public delegate ValueTask<IReadOnlyList<ReplicaCandidate>> SourceList(bool fresh, CancellationToken cancellation);

public static class SourceLists
{
    /// <summary>Who may have a version that was deleted or overwritten since it was begun to be read: whoever holds it still, and whoever had it then and keeps it in the trash.</summary>
    public static IReadOnlyList<ReplicaCandidate> Left(IReadOnlyList<ReplicaCandidate> now, IReadOnlyList<ReplicaCandidate> first) =>
        [.. now, .. first.Where(before => now.All(candidate => candidate.Worker.Id != before.Worker.Id))];

    /// <summary>For those who know it without asking.</summary>
    public static SourceList Known(Func<IReadOnlyList<ReplicaCandidate>> list) => (_, _) => ValueTask.FromResult(list());
}
