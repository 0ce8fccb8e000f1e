using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>One thing a client wanted, and what it was told.</summary>
internal sealed class Operation(int id, UploadId? upload)
{
    public int Id => id;

    /// <summary>The upload, or null for a deletion.</summary>
    public UploadId? Upload => upload;

    /// <summary>When it could first take effect: for an upload when its bytes were complete, for a deletion its start.</summary>
    public int From { get; set; } = int.MaxValue;

    /// <summary>When its client was answered or cut off.</summary>
    public int Until { get; set; } = int.MaxValue;

    public bool Acknowledged { get; set; }

    /// <summary>Whether it may have taken effect at all.</summary>
    public bool Possible => From != int.MaxValue;

    /// <summary>Whether it had ended before the other could take effect.</summary>
    public bool IsBefore(Operation other) => Until < other.From;

    public override string ToString() => (Upload is null ? "delete #" : "upload #") + Id;
}

/// <summary>
/// What clients were promised, and from it what may be read: the last value of a register whose acknowledged operations all took effect, each between its
/// beginning and its answer; those that got an error may or may not have.
/// </summary>
internal sealed class Ledger
{
    public List<Operation> Operations { get; } = [];

    /// <summary>Why the movie of this upload, or none, must not be what stands; null when it may.</summary>
    public string? Forbids(UploadId? stands)
    {
        if (stands is { } id)
        {
            var upload = Operations.Single(operation => operation.Upload == id);
            if (!upload.Possible) return $"{upload} stands, whose bytes never were complete";
            return Operations.Find(other => other != upload && other.Acknowledged && upload.IsBefore(other)) is { } later
                ? $"{upload} stands although {later} came after it and was acknowledged"
                : null;
        }

        var uploads = Operations.Where(operation => operation.Upload is not null && operation.Acknowledged).ToList();
        var deletions = Operations.Where(operation => operation.Upload is null && operation.Possible).ToList();
        return uploads.Count == 0 || deletions.Exists(deletion => uploads.TrueForAll(upload => !deletion.IsBefore(upload)))
            ? null
            : $"nothing stands although {string.Join(", ", uploads)} was acknowledged";
    }

    /// <summary>The acknowledged upload after which nothing else can have taken effect, if there is one.</summary>
    public Operation? Certain()
    {
        foreach (var operation in Operations)
            if (operation is { Acknowledged: true, Upload: not null }
                && Operations.TrueForAll(other => other == operation || !other.Possible || other.IsBefore(operation)))
                return operation;
        return null;
    }
}
