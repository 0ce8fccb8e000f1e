using Mdfs.Master.Catalog;
using Mdfs.Master.Uploads;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>How long the master keeps a part of an upload that is whole, and what it tells of what took long.</summary>
public sealed class ResumableKeepingTests : IAsyncLifetime
{
    private static readonly TimeSpan _expiry = TimeSpan.FromSeconds(20);

    private MasterRig _rig = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _rig = await MasterRig.StartAsync(null, ("Mdfs:Master:UploadExpiry", $"{_expiry}"));

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task A_part_is_kept_by_parts_of_the_same_name_only_if_they_were_begun_before_it_would_have_expired()
    {
        var uploads = _rig.Get<ResumableUploads>();
        var part = await BeginAsync(TimeSpan.Zero);
        part.Record = part.Record with { TouchedAge = part.Record.TouchedAge - 10 };
        Assert.InRange(uploads.Left(part.Record), TimeSpan.MinValue, TimeSpan.FromSeconds(10));
        await BeginAsync(_expiry);
        Assert.InRange(uploads.Left(part.Record), TimeSpan.MinValue, TimeSpan.FromSeconds(10));
        var together = await BeginAsync(_expiry - TimeSpan.FromSeconds(1));
        Assert.Equal(uploads.Left(together.Record).TotalSeconds, uploads.Left(part.Record).TotalSeconds, 1.0);
    }

    [Fact]
    public async Task That_a_part_is_asked_for_is_known_to_the_next_master_too()
    {
        var uploads = _rig.Get<ResumableUploads>();
        var part = await BeginAsync(TimeSpan.Zero);
        var begun = part.Record.TouchedAge;
        await Eventually.TrueAsync(
            async () =>
            {
                await uploads.TouchAsync(part);
                var stored = await _rig.Get<CatalogSession>().ReadUploadsAsync();
                return UploadRecord.FromJson(stored!.Single().Record)!.TouchedAge > begun;
            },
            "it is written down", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task How_long_a_copy_took_is_told_also_when_it_took_hours()
    {
        _rig.Get<ChangeMetrics>().Copied(TimeSpan.FromMinutes(90));
        var metrics = await _rig.Client.GetStringAsync("metrics", Cancelled);
        Assert.Matches("mdfs_repair_duration_seconds_bucket\\{[^\n]*le=\"3600\"[^\n]*} 0", metrics);
        Assert.Matches("mdfs_repair_duration_seconds_bucket\\{[^\n]*le=\"7200\"[^\n]*} 1", metrics);
    }

    private async Task<ResumableUpload> BeginAsync(TimeSpan later)
    {
        ResumableUpload? part = null;
        var record = new UploadRecord
        {
            Id = UploadId.New(),
            Name = FileName.Parse("common.mp4"),
            Concat = UploadConcat.Partial,
            Length = 1,
            Offset = 1,
            CreatedAt = TimeProvider.System.GetUtcNow().Date + later,
        };
        await Eventually.TrueAsync(async () => (part = await _rig.Get<ResumableUploads>().AddAsync(record)) is not null, "it is begun", MdfsClient.Patience, Cancelled);
        return part!;
    }
}
