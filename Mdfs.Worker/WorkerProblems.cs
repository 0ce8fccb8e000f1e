using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker;

/// <summary>Every refusal a worker gives, with the status it travels under.</summary>
internal static class WorkerProblems
{
    public const string Unauthorized = "unauthorized";
    public const string BadRequest = "bad-request";

    public static NodeRefusal Full(long bytes) => new(NodeRefusal.Full, $"This node has no room for {bytes} bytes more.");

    public static NodeRefusal DiskFull { get; } = new(NodeRefusal.Full, "The disk of this node is full.");

    public static NodeRefusal Closed(string reason) => new(NodeRefusal.Closed, reason);

    public static NodeRefusal UnknownUpload(UploadId upload) => new(NodeRefusal.Unknown, $"No upload {upload} is known here in that state.");

    public static NodeRefusal UnknownReplica(MovieVersion version) => new(NodeRefusal.Unknown, $"Version {version} is not here.");

    public static NodeRefusal UploadExists(UploadId upload) => new(NodeRefusal.Conflict, $"Upload {upload} is already under way or complete.");

    public static NodeRefusal WrongSize(long expected, long got) => new(NodeRefusal.Conflict, $"The upload was opened with {expected} bytes, and {got} came.");

    public static NodeRefusal OtherBytes(UploadId upload) =>
        new(NodeRefusal.Conflict, $"The prepared bytes of upload {upload} have another size or checksum than the replica they should become.");

    public static NodeRefusal OtherBeginning(UploadId upload, long offset, long length) =>
        new(NodeRefusal.Conflict, $"The first {offset} bytes of upload {upload} are not here as they were confirmed; {length} bytes are.");

    public static NodeRefusal MissingPart(UploadId part, string why) => new(NodeRefusal.Closed, $"Part {part} of the upload is not to be had: {why}.");

    public static NodeRefusal OtherReplica(MovieVersion version) => new(NodeRefusal.Conflict, $"Version {version} is here already, made of other bytes.");

    public static NodeRefusal Deleted(FileName name, MovieVersion version) => new(NodeRefusal.Conflict, $"'{name}' was deleted up to a version not below {version}.");

    public static NodeRefusal OtherCluster(string? own) => new(NodeRefusal.OtherCluster, $"This node belongs to cluster '{own}'.");

    public static NodeRefusal Damaged(MovieVersion version) => new(NodeRefusal.Damaged, $"A block of version {version} does not agree with its checksum; it is not sent.");

    public static NodeRefusal NotInQuarantine(string id) => new(NodeRefusal.Unknown, $"'{id}' is not in quarantine here.");

    public static NodeRefusal DamagedInQuarantine(string id) => new(NodeRefusal.Damaged, $"The bytes of '{id}' in quarantine cannot be read, or are not what their description says.");

    public static NodeRefusal StaleEpoch(long told, long obeyed) => new(NodeRefusal.StaleEpoch, $"Epoch {told} is over: this node obeys epoch {obeyed}.");

    public static NodeRefusal NotAuthorized(string why) => new(Unauthorized, why);

    public static NodeRefusal Bad(string why) => new(BadRequest, why);

    public static int StatusOf(NodeRefusal refusal) => refusal.Code switch
    {
        NodeRefusal.Full => StatusCodes.Status507InsufficientStorage,
        NodeRefusal.Closed => StatusCodes.Status503ServiceUnavailable,
        NodeRefusal.Unknown => StatusCodes.Status404NotFound,
        Unauthorized => StatusCodes.Status401Unauthorized,
        BadRequest => StatusCodes.Status400BadRequest,
        _ => StatusCodes.Status409Conflict,
    };
}
