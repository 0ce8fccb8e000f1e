using Mdfs.Master.Catalog;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit;

/// <summary>RFC 9110, 8.8.2.2: a date validates only what did not change twice within its second. Ours never do.</summary>
public sealed class CommitMomentTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_new_name_has_the_moment_of_its_commit() => Assert.Equal(At(0.2), CommitMoment.Next(At(0.2), null, null));

    [Theory]
    [InlineData(0.2, 0.3, 1.0)]
    [InlineData(0.2, 0.9, 1.0)]
    [InlineData(0.9, 1.0, 1.0)]
    [InlineData(0.2, 1.5, 1.5)]
    [InlineData(3.0, 0.3, 4.0)] // the clock was set back
    public void A_version_never_shares_a_second_with_the_one_before(double before, double now, double date) =>
        Assert.Equal(At(date), CommitMoment.Next(At(now), Entry(At(before)), null));

    [Fact]
    public void Nor_with_one_that_was_deleted_in_between() =>
        Assert.Equal(At(1), CommitMoment.Next(At(0.5), null, new Tombstone(FileName.Parse("a.mp4"), new MovieVersion(5), 1, At(0.4))));

    [Fact]
    public void A_date_that_has_not_come_yet_is_not_told()
    {
        var replica = Entry(At(1)).Replica;

        Assert.Null(ContentFacts.Of(replica, At(0.9)).LastModified);
        Assert.Equal(At(1), ContentFacts.Of(replica, At(1)).LastModified);
    }

    [Fact]
    public void Any_number_of_versions_within_a_second_are_told_apart_by_their_dates()
    {
        var told = new HashSet<DateTimeOffset?>();
        CatalogEntry? entry = null;
        for (var i = 0; i < 10; i++)
        {
            entry = Entry(CommitMoment.Next(At(i * 0.09), entry, null));
            if (ContentFacts.Of(entry.Replica, At(i * 0.09)).LastModified is { } date) Assert.True(told.Add(date));
        }

        Assert.Single(told);
    }

    private static DateTimeOffset At(double seconds) => Noon.AddSeconds(seconds);

    private static CatalogEntry Entry(DateTimeOffset committed) =>
        new(new ReplicaDescription(FileName.Parse("a.mp4"), new MovieVersion(4), 10, new Checksum(1), committed, UploadId.New(), "cluster"), []);
}
