using Mdfs.Master.Catalog;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>A client's piece.</summary>
/// <param name="Offset">Where it says that the piece begins.</param>
/// <param name="Length">Bytes of the whole, when this request tells them.</param>
/// <param name="BodyLength">Content-Length, or null.</param>
/// <param name="Check">What the client says of the piece's bytes, or null.</param>
/// <param name="Expected">CRC-32 of the whole, when this request tells it.</param>
public sealed record Piece(long Offset, long? Length, Stream Body, long? BodyLength, PieceCheck? Check, Checksum? Expected = null);

/// <summary>How appending ended.</summary>
public abstract record AppendResult
{
    private AppendResult()
    {
    }

    /// <summary>The whole body is durable and noted.</summary>
    public sealed record Appended : AppendResult;

    public sealed record Refused(Problem Problem) : AppendResult;

    /// <summary>The client went away, fell silent, or a newer request has come: what arrived is durable and noted, and nobody waits for an answer.</summary>
    public sealed record BrokenOff(PieceEnd End) : AppendResult;
}

/// <summary>
/// Appends to a resumable upload: piece after piece is sent to all its workers, confirmed by them, noted in Redis, and only then anybody is told. A worker that fails is
/// left out when another one goes on without it; when none goes on, nothing has changed, and the client may try again.
/// </summary>
public sealed partial class AppendToUpload(
    ResumableUploads uploads, UploadTargets targets, MeetWorkers meet, PieceFanOut fanOut, UploadMetrics metrics, IOptions<MasterOptions> options, ILogger<AppendToUpload> logger)
{
    /// <summary>For a caller that holds the upload's turn.</summary>
    public async Task<AppendResult> RunAsync(ResumableUpload upload, Piece piece, UploadTurn turn, CancellationToken clientGone)
    {
        if (await RefuseAsync(upload, piece, clientGone) is { } refusal) return new AppendResult.Refused(refusal);
        if (piece.BodyLength == 0) return new AppendResult.Appended();
        if (upload.Interrupted) metrics.Resumed();
        upload.Interrupted = true;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(turn.CutOff, clientGone);
        var reached = piece.Offset;
        while (true)
        {
            var before = upload.Record;
            // The body goes on where its own last byte was noted. Should the note say another offset, these bytes belong elsewhere.
            if (before.Offset != reached) return new AppendResult.BrokenOff(PieceEnd.CutOff);
            var reachable = targets.Reachable(before);
            if (reachable.Count == 0) return new AppendResult.Refused(UploadProblems.WorkersAway);
            var sent = await fanOut.SendAsync(before.Id, before.Progress, before.Length, piece.Body, reachable, Limits(before, piece), piece.Check is null ? null : piece.Check.Add, stop.Token);
            metrics.Received(sent.Taken);
            if (sent.Receipts.Count == 0) return new AppendResult.Refused(await NobodyHasItAsync(upload, sent));
            if (piece.Check is { } check && !(sent.End == PieceEnd.BodyEnded && check.Agrees())) return Discarded(sent.End);
            if (!await NoteAsync(upload, before, sent)) return new AppendResult.Refused(FileProblems.ReadOnly);
            reached += sent.Taken;
            switch (sent.End)
            {
                case PieceEnd.Full:
                    continue;
                case PieceEnd.BodyEnded:
                    upload.Interrupted = false;
                    return new AppendResult.Appended();
                case PieceEnd.TooLong:
                    return new AppendResult.Refused(before.Length is { } length ? UploadProblems.BeyondLength(length) : FileProblems.TooLarge(options.Value.MaxFileSize));
                default:
                    if (sent.End == PieceEnd.CutOff && !clientGone.IsCancellationRequested) metrics.CutOff();
                    return new AppendResult.BrokenOff(sent.End == PieceEnd.CutOff && clientGone.IsCancellationRequested ? PieceEnd.ClientFailed : sent.End);
            }
        }
    }

    /// <summary>No bytes follow: what is there is the whole. False when that cannot be noted now.</summary>
    public async Task<bool> CloseAsync(ResumableUpload upload)
    {
        if (upload.Record.Closed) return true;
        if (upload.Record.Targets is null)
        {
            // Not one byte has come, so nobody was chosen yet.
            var (opened, refusal) = await targets.OpenAsync(upload.Id, CreateUpload.PlacedAs(upload.Record), 0, CancellationToken.None);
            if (refusal is not null) return false;
            upload.Record = upload.Record with { Targets = opened };
        }

        return await uploads.SaveAsync(upload, upload.Record with { Length = upload.Record.Offset, Closed = true });
    }

    private async Task<Problem?> RefuseAsync(ResumableUpload upload, Piece piece, CancellationToken clientGone)
    {
        if (await meet.RunAsync(upload) is { } gone) return gone;
        if (!await uploads.SaveAsync(upload)) return FileProblems.ReadOnly;
        var record = upload.Record;
        if (piece.Offset != record.Offset) return UploadProblems.OffsetMismatch(record.Offset, piece.Offset);
        if (piece.Length is { } told && record.Length is { } known && told != known) return UploadProblems.LengthDiffers(known, told);
        var length = record.Length ?? piece.Length;
        if (length > options.Value.MaxFileSize || piece.BodyLength > options.Value.MaxFileSize - record.Offset) return FileProblems.TooLarge(options.Value.MaxFileSize);
        if (length is { } tooShort && tooShort < record.Offset) return UploadProblems.LengthDiffers(record.Offset, tooShort);
        if (length is { } whole && piece.BodyLength > whole - record.Offset) return UploadProblems.BeyondLength(whole);
        var expected = record.Expected ?? piece.Expected;
        if (piece.Expected is not null && piece.Expected != expected) return UploadProblems.OtherExpected;
        if ((record.Length != length || record.Expected != expected) && !await uploads.SaveAsync(upload, record = record with { Length = length, Expected = expected })) return FileProblems.ReadOnly;
        if (record.Targets is not null || (piece.BodyLength == 0 && !record.IsWhole)) return null;

        var (opened, refusal) = await targets.OpenAsync(record.Id, CreateUpload.PlacedAs(record), length, clientGone);
        if (refusal is not null) return refusal;
        return await uploads.SaveAsync(upload, record with { Targets = opened }) ? null : FileProblems.ReadOnly;
    }

    // A piece that has to agree with a checksum is all or nothing, so it is not noted by halves.
    private PieceLimits Limits(UploadRecord record, Piece piece)
    {
        var room = (record.Length ?? options.Value.MaxFileSize) - record.Offset;
        return piece.Check is null
            ? new PieceLimits(options.Value.UploadCheckpointBytes, options.Value.UploadCheckpointInterval, room)
            : new PieceLimits(long.MaxValue, TimeSpan.MaxValue, room);
    }

    // The workers have the bytes and will be told to cut them off: by the next piece, which begins where this one did.
    private static AppendResult Discarded(PieceEnd end) => end switch
    {
        PieceEnd.BodyEnded => new AppendResult.Refused(UploadProblems.ChecksumMismatch),
        PieceEnd.TooLong => new AppendResult.Refused(UploadProblems.BrokenOff),
        _ => new AppendResult.BrokenOff(end),
    };

    private async Task<bool> NoteAsync(ResumableUpload upload, UploadRecord before, PieceResult sent)
    {
        // Without a byte nobody is ahead of anybody, and a worker that failed may be back for the next piece.
        if (sent.Taken == 0) return true;
        var have = sent.Receipts.Select(receipt => receipt.Node).ToList();
        var left = before.Targets!.Except(have).ToList();
        if (left.Count > 0)
        {
            LogLeftBehind(before.Id, left.Count, have.Count);
            targets.Drop(before.Id, left);
        }

        return await uploads.SaveAsync(upload, before with { Offset = sent.Reached.Offset, Checksum = sent.Reached.Checksum, Targets = have });
    }

    private async Task<Problem> NobodyHasItAsync(ResumableUpload upload, PieceResult sent)
    {
        if (sent.AllFull) return FileProblems.NoSpace;
        // A worker that refuses while bytes are on their way to it may only look broken: they are asked once more whether they have what was acknowledged.
        upload.Met = false;
        return await meet.RunAsync(upload) ?? UploadProblems.WorkersAway;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upload {Upload} goes on without {Left} of its workers, on {Have}; the missing copies are made when it is whole.")]
    private partial void LogLeftBehind(UploadId upload, int left, int have);
}
