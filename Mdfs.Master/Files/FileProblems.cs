using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Files;

/// <summary>Every refusal of the movie routes (design, section 9), each with a sentence that says what to do.</summary>
public static class FileProblems
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(5);

    public static Problem BadName(string why) => new(400, "bad-name", "Name not accepted", why);

    public static Problem BadParameter(string why) => new(400, "bad-parameter", "Parameter not accepted", why);

    public static Problem BadUpload(string why) => new(400, "bad-upload", "Upload not accepted", why);

    public static Problem SecretTooLate { get; } = new(
        401, "secret-too-late", "Key comes too late",
        "The admin key has to come before the file, since the movie is stored while it arrives: put the form field 'secret' in front of 'movie', or send the header 'X-Mdfs-Secret'.")
    {
        // What the original answered stands first: scripts look for it.
        Classic = "Unauthorized: the admin key has to come before the file, since the movie is stored while it arrives. "
            + "Put the form field 'secret' in front of 'movie', or send the header 'X-Mdfs-Secret'.",
    };

    public static Problem NotFound(FileName name) =>
        new Problem(404, "no-such-movie", "No such movie", $"There is no movie named '{name}'. GET /api/files lists what there is.").With("name", name.Value);

    /// <summary>Of a name that is not in the catalog: whether that means that there is no such movie is not always known.</summary>
    public static Problem Missing(FileName name, CatalogSession session) => session.IsUncertain ? Rebuilding : NotFound(name);

    public static Problem Rebuilding { get; } = new(
        503, "rebuilding", "Catalog incomplete",
        "The catalog is being completed from the workers, so that it is not known yet whether there is such a movie. Ask again in a moment.")
    {
        RetryAfter = _soon,
    };

    public static Problem ReadOnly { get; } = new(
        503, "redis-away", "Changes are not possible now",
        "The master's Redis does not answer, so nothing can be stored or deleted at present; reading goes on. Nothing of this request was done. Try again in a moment.")
    {
        RetryAfter = _soon,
    };

    public static Problem OutcomeUnknown { get; } = new(
        503, "outcome-unknown", "Outcome not known yet",
        "Redis stopped answering in the middle of the commit. Whether it was done is settled as soon as Redis is back; look at the movie then, and repeat the request if need be.")
    {
        RetryAfter = TimeSpan.FromSeconds(15),
    };

    public static Problem NoWorkers { get; } = new(
        503, "no-workers", "No workers", "No worker can take the movie at present. Start one, or wait until one has registered; GET /api/nodes shows them.")
    {
        RetryAfter = _soon,
    };

    public static Problem NoSpace { get; } = new(
        507, "no-space", "Disks full", "No worker has room for this movie. Delete something or add a worker; nothing was stored.");

    /// <summary>Why there is nobody who could be asked for room.</summary>
    public static Problem NobodyToAsk(ClusterView view, long size)
    {
        var takers = view.Nodes.Where(node => node.TakesCopies).ToList();
        return takers.Count > 0 && takers.TrueForAll(node => Placement.IsFull(node, size)) ? NoSpace : NoWorkers;
    }

    /// <summary>Why fewer than so many of those who were asked take the movie.</summary>
    public static Problem TooFewOpened(OpenedTargets opened, int wanted)
    {
        if (opened.AllFull) return NoSpace;
        return opened.Opened.Count == 0 ? NoWorkers : TooFewReplicas(opened.Opened.Count, wanted);
    }

    public static Problem TooFewReplicas(int got, int wanted) => new Problem(
        503, "too-few-replicas", "Too few copies", $"Only {got} of the {wanted} copies that MinWriteReplicas asks for could be written. Nothing was stored; try again.")
    {
        RetryAfter = _soon,
    }.With("copies", got);

    public static Problem TooFewCopies(MovieVersion version, int got, int wanted) => new Problem(
        503, "too-few-copies", "Stored with too few copies",
        $"The movie stands, whole, as a new version with {got} of the {wanted} copies that MinWriteReplicas asks for, and is being copied on. It is not acknowledged: "
        + "should these copies be lost before it is, it is gone. GET /api/files/{name} tells its copies; it need not be sent again while it is there with this etag.")
    {
        RetryAfter = _soon,
    }.With("copies", got).With("etag", version.ETag);

    public static Problem NotSealed { get; } = new(
        503, "not-sealed", "No worker confirmed", "The bytes arrived, but no worker confirmed the commit in time. It was taken back; send the movie again.")
    {
        RetryAfter = _soon,
    };

    public static Problem WorkersFailed { get; } = new(
        502, "workers-failed", "All workers failed", "Every worker that was to store the movie failed while it was being sent. Nothing was stored; send it again.");

    public static Problem AllReplicasFailed(FileName name) => new Problem(
        502, "all-replicas-failed", "No copy can be read", "Every worker that holds this movie failed to send it. Try again in a moment; GET /api/nodes shows what is wrong.")
    {
        RetryAfter = _soon,
    }.With("name", name.Value);

    public static Problem NoLiveReplica(FileName name) => new Problem(
        503, "no-live-replica", "No copy within reach", "No worker that holds this movie is alive at present. It is not lost: start the worker, or wait for it.")
    {
        RetryAfter = _soon,
    }.With("name", name.Value);

    public static Problem TooLarge(long limit) => new(
        413, "too-large", "Movie too large", $"The largest movie that this cluster takes is {limit} bytes (Mdfs:Master:MaxFileSize).");

    public static Problem WrongLength(long announced, long came) => new(
        400, "wrong-length", "Upload incomplete", $"{came} bytes arrived where {announced} were announced. Nothing was stored; send the movie again.");

    public static Problem BrokenOff { get; } = new(
        400, "broken-off", "Upload broken off", "The body ended before it was complete, or cannot be read. Nothing was stored; send the movie again.");

    public static Problem TooSlow { get; } = new(
        408, "upload-stalled", "Upload stalled", "No bytes arrived for longer than the idle time-out. Nothing was stored; send the movie again.");

    public static Problem Coded { get; } = new(
        415, "coded-body", "Body is in a coding", "The request has a 'Content-Encoding', and what arrives is stored as it is. Send the movie itself, without that header.");

    public static Problem ChecksumMismatch(string expected, Checksum actual) => new Problem(
        422, "checksum-mismatch", "Checksum differs", $"The bytes that arrived have CRC-32 {actual}, not what you expected ({expected}). Nothing was stored; send the movie again.")
        .With("checksum", actual.ToString());

    public static Problem ChecksumDiffers(Checksum committed) => new(
        409, "checksum-differs", "Checksum differs", $"The catalog has {committed} for this movie. The catalog stands; the replica is to be re-read.");

    public static Problem NameTaken(FileName name, MovieVersion version) => new Problem(
        409, "name-taken", "Name taken", $"There is a movie named '{name}' by now. Delete that one first, then the older version can be brought back by its number.")
        .With("etag", version.ETag);

    /// <param name="present">The version that is there; null: none.</param>
    public static Problem PreconditionFailed(MovieVersion? present)
    {
        var problem = new Problem(
            412, "precondition-failed", "Condition not fulfilled",
            "The movie is not as your condition wants it, so nothing was done. GET /api/files/{name} tells what is there; decide by that, and name its ETag or leave the condition out.");
        return present is { } version ? problem.With("etag", version.ETag) : problem;
    }

    public static Problem NotInTrash(FileName name) => new Problem(
        404, "not-in-trash", "Not in the trash", $"No live worker has a deleted version of '{name}' any more. GET /api/trash lists what can be brought back.").With("name", name.Value);

    public static Problem NotBuried { get; } = new(
        503, "deletion-not-confirmed", "Deletion not confirmed",
        "The deletion is recorded, but no worker has confirmed it yet; it takes effect with their next beats. Ask again in a moment.")
    {
        RetryAfter = _soon,
    };

    public static Problem VerifyBusy { get; } = new(
        429, "verify-busy", "Too many verifications", "Several movies are being re-read already. Try again when they are done.")
    {
        RetryAfter = TimeSpan.FromSeconds(10),
    };
}
