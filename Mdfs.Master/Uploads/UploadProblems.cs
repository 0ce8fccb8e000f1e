using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Master.Uploads;

/// <summary>Every refusal of the resumable uploads that other uploads do not know, each with a sentence that says what to do.</summary>
public static class UploadProblems
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(5);

    public static Problem BadHeader(string why) => new(400, "bad-upload-header", "Upload header not accepted", why);

    public static Problem DigestNotChecked { get; } = new(
        400, "digest-not-checked", "SHA-256 not checked here",
        "Of an upload in pieces no SHA-256 of the whole is computed, so 'Repr-Digest: sha-256' would not be checked, and is refused rather than ignored. Send the CRC-32 in 'X-Mdfs-Checksum', or 'Upload-Checksum' with each piece; or store the movie with PUT, which checks it.");

    public static Problem NotFound { get; } = new(
        404, "no-such-upload", "No such upload", "There is no upload under this address: it was never made, or has expired. Begin a new one with POST /api/uploads.");

    public static Problem Gone { get; } = new(
        410, "upload-gone", "Upload gone", "This upload has expired, was cancelled, or no worker that had its bytes is left. Begin a new one with POST /api/uploads.");

    public static Problem OffsetMismatch(long expected, long provided) => new Problem(
        409, "offset-mismatch", "Another offset", $"The upload stands at offset {expected}, and this piece begins at {provided}. Ask with HEAD, and go on from there.")
        .With("expected-offset", expected).With("provided-offset", provided);

    public static Problem LengthDiffers(long known, long told) => new(
        400, "inconsistent-upload-length", "Another length", $"The upload was said to have {known} bytes, and now {told}. A length does not change once it is told.");

    public static Problem BeyondLength(long length) => new(
        413, "beyond-upload-length", "Longer than announced", $"The upload has {length} bytes as announced, and the piece goes on behind them. What came up to there is kept.");

    public static Problem NotOctets(string wanted) => new(415, "wrong-upload-type", "Wrong Content-Type", $"The body of this request has to be of type {wanted}.");

    public static Problem UnknownVersion { get; } = new(
        412, "unknown-tus-version", "Version not supported", "Send 'Tus-Resumable: 1.0.0'. This server speaks tus 1.0.0; OPTIONS /api/uploads tells which extensions.");

    public static Problem NoConcatTarget { get; } = new(403, "final-upload", "No piece is taken", "This upload is put together from others, and takes no bytes of its own.");

    public static Problem NoSuchPart(Protocol.Wire.UploadId part) => new Problem(
        400, "no-such-part", "No such part", $"There is no part {part}: it was never made, has expired, or was used up by the movie it belongs to. Parts are made with 'Upload-Concat: partial'.")
        .With("part", part.Value);

    public static Problem UnfinishedPart(Protocol.Wire.UploadId part) => new Problem(
        409, "unfinished-part", "A part is not complete", $"Part {part} lacks bytes. Complete it first, and then ask for the whole once more.").With("part", part.Value);

    public static Problem UnknownChecksum(string name, string known) => new(
        400, "unknown-checksum-algorithm", "Checksum algorithm not supported", $"'{name}' is not known here. Known: {known}. Nothing of this piece was kept.");

    public static Problem OtherExpected { get; } = new(
        400, "bad-parameter", "Parameter not accepted", "X-Mdfs-Checksum is another one than was told for this upload before. What an upload is to be does not change once it is told.");

    public static Problem OtherCondition { get; } = new(
        400, "bad-parameter", "Parameter not accepted", "The condition is another one than was told when this movie was begun of its parts. Repeat the request as it was.");

    public static Problem ChecksumMismatch { get; } = new(
        460, "piece-checksum-mismatch", "Checksum differs", "The bytes of this piece that arrived do not have the checksum that was sent with them. The piece was discarded; send it again.");

    public static Problem Locked { get; } = new(
        423, "upload-busy", "Upload busy", "An earlier request for this upload is still being put away. Ask with HEAD in a moment, and go on from there.")
    {
        RetryAfter = TimeSpan.FromSeconds(1),
    };

    public static Problem WorkersAway { get; } = new(
        503, "upload-workers-away", "Workers away", "The workers that have this upload's bytes do not take more at present. What was acknowledged is kept; ask with HEAD in a moment, and go on from there.")
    {
        RetryAfter = _soon,
    };

    public static Problem BrokenOff { get; } = new(
        400, "piece-broken-off", "Body broken off", "The body ended before it was complete, or cannot be read. What arrived is kept; ask with HEAD, and go on from there.");
}
