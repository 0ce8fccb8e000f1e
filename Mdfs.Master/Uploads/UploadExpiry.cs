using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>Removes resumable uploads that nobody went on with, and the notes of those that were committed.</summary>
public sealed partial class UploadExpiry(
    ResumableUploads uploads, EndUpload end, UploadMetrics metrics, IOptions<MasterOptions> options, TimeProvider time, ILogger<UploadExpiry> logger)
    : PeriodicService(time, () => Period(options.Value.UploadExpiry), logger)
{
    // Whoever holds an upload's turn for longer is busy with it, so that it is not abandoned.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        // Redis is away: nothing can be removed in it.
        if (!await uploads.TryLoadAsync(cancellationToken)) return;
        foreach (var upload in uploads.All.Where(upload => !upload.IsBusy && uploads.Left(upload.Record) <= TimeSpan.Zero).ToList())
        {
            using var turn = await upload.EnterAsync(_patience, cancellationToken);
            if (turn is null || upload.Ended || uploads.Left(upload.Record) > TimeSpan.Zero) continue;
            var unfinished = upload.Record.Version is null;
            if (await end.RunAsync(upload) is not null || !unfinished) continue;
            metrics.Expired();
            LogExpired(upload.Id, upload.Record.Offset);
        }
    }

    // A removal may be late by so much.
    private static TimeSpan Period(TimeSpan expiry) => TimeSpan.FromTicks(Math.Clamp(expiry.Ticks / 10, TimeSpan.TicksPerMillisecond * 200, TimeSpan.TicksPerMinute));

    [LoggerMessage(Level = LogLevel.Information, Message = "Upload {Upload} has expired: nobody went on with it. The {Bytes} bytes that had come are removed.")]
    private partial void LogExpired(UploadId upload, long bytes);
}
