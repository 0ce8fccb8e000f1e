namespace Mdfs.Master.Uploads;

/// <summary>The header fields of resumable uploads, all in one place: what pages of other origins may send and see is made of the two lists.</summary>
public static class TusHeaders
{
    public const string Version = "1.0.0";
    public const string Extensions = "creation,creation-with-upload,creation-defer-length,expiration,checksum,checksum-trailer,termination,concatenation";
    public const string ContentType = "application/offset+octet-stream";

    public const string TusResumable = "Tus-Resumable";
    public const string TusVersion = "Tus-Version";
    public const string TusExtension = "Tus-Extension";
    public const string TusMaxSize = "Tus-Max-Size";
    public const string TusChecksumAlgorithm = "Tus-Checksum-Algorithm";
    public const string UploadOffset = "Upload-Offset";
    public const string UploadLength = "Upload-Length";
    public const string UploadDeferLength = "Upload-Defer-Length";
    public const string UploadMetadata = "Upload-Metadata";
    public const string UploadExpires = "Upload-Expires";
    public const string UploadChecksum = "Upload-Checksum";
    public const string UploadConcat = "Upload-Concat";
    public const string MethodOverride = "X-HTTP-Method-Override";

    /// <summary>What clients send, besides what every request has: for <c>Access-Control-Allow-Headers</c>.</summary>
    public static IReadOnlyList<string> Sent { get; } =
    [
        "Authorization", "Content-Type", "X-Mdfs-Secret", "X-Request-Id", "X-Requested-With", TusResumable, UploadOffset, UploadLength, UploadDeferLength, UploadMetadata, UploadChecksum,
        UploadConcat, MethodOverride, "Content-Disposition", "If-Match", "If-None-Match", "If-Unmodified-Since", DraftHeaders.UploadComplete, DraftHeaders.UploadDraftInteropVersion,
    ];

    /// <summary>What clients have to see: for <c>Access-Control-Expose-Headers</c>.</summary>
    public static IReadOnlyList<string> Exposed { get; } =
    [
        "Location", "Retry-After", TusResumable, TusVersion, TusExtension, TusMaxSize, TusChecksumAlgorithm, UploadOffset, UploadLength, UploadDeferLength, UploadMetadata, UploadExpires,
        UploadConcat, DraftHeaders.UploadComplete, DraftHeaders.UploadLimit,
    ];
}
