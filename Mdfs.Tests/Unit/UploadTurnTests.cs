using Mdfs.Master.Uploads;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit;

/// <summary>Who may work on a resumable upload: one at a time, and the newest wins.</summary>
public sealed class UploadTurnTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    private readonly ResumableUpload _upload = new(new UploadRecord { Id = UploadId.New() });

    [Fact]
    public async Task A_newer_request_cuts_off_the_older_one_and_waits_for_it()
    {
        var older = await _upload.EnterAsync(_patience, TestContext.Current.CancellationToken);
        var newer = _upload.EnterAsync(_patience, TestContext.Current.CancellationToken);
        Assert.True(older!.CutOff.IsCancellationRequested);
        Assert.False(newer.IsCompleted);
        older.Dispose();
        using var turn = await newer;
        Assert.False(turn!.CutOff.IsCancellationRequested);
    }

    [Fact]
    public async Task A_request_whose_client_is_gone_before_it_is_looked_at_cuts_off_nobody()
    {
        using var present = await _upload.EnterAsync(_patience, TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _upload.EnterAsync(_patience, new CancellationToken(canceled: true)));
        Assert.False(present!.CutOff.IsCancellationRequested);
        Assert.True(_upload.IsBusy);
    }
}
