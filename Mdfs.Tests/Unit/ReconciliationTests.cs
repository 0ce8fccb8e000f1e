using System.Globalization;
using Mdfs.Master.Catalog;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

public sealed class ReconciliationTests
{
    private const string Cluster = "0123456789abcdef0123456789abcdef";
    private static readonly FileName Movie = FileName.Parse("movie.mp4");
    private static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    [Theory]
    // version, entry, bound, damaged, away too long
    [InlineData(5, 5, null, false, false, ReplicaVerdict.Copy)]
    [InlineData(5, 5, null, true, false, ReplicaVerdict.DamagedCopy)]
    [InlineData(5, 5, 4, false, true, ReplicaVerdict.Copy)]
    [InlineData(5, 4, null, false, false, ReplicaVerdict.Adopt)]
    [InlineData(5, 4, null, true, false, ReplicaVerdict.Adopt)]
    [InlineData(5, null, null, false, false, ReplicaVerdict.Adopt)]
    [InlineData(5, null, 4, false, false, ReplicaVerdict.Adopt)]
    [InlineData(5, null, 5, false, false, ReplicaVerdict.Buried)]
    [InlineData(5, 5, 6, false, false, ReplicaVerdict.Buried)]
    [InlineData(5, 7, 6, false, false, ReplicaVerdict.Buried)]
    [InlineData(5, null, 6, true, true, ReplicaVerdict.Buried)]
    [InlineData(5, 7, null, false, false, ReplicaVerdict.Superseded)]
    [InlineData(5, 7, null, false, true, ReplicaVerdict.Superseded)]
    [InlineData(5, null, null, false, true, ReplicaVerdict.TooLongAway)]
    [InlineData(5, 4, null, false, true, ReplicaVerdict.TooLongAway)]
    public void A_sealed_replica_is_judged_by_its_version(int version, int? entry, int? bound, bool damaged, bool away, ReplicaVerdict verdict) =>
        Assert.Equal(verdict, Reconciliation.Judge(
            Report(version, damaged), entry is { } e ? Entry(e) : null, bound is { } b ? Grave(b) : null, away, Cluster));

    [Fact]
    public void The_same_version_with_other_bytes_is_a_conflict()
    {
        var longer = Report(5) with { Replica = Replica(5) with { Size = 1001 } };
        var other = Report(5) with { Replica = Replica(5) with { Checksum = new Checksum(99) } };
        Assert.Equal(ReplicaVerdict.Conflict, Reconciliation.Judge(longer, Entry(5), null, false, Cluster));
        Assert.Equal(ReplicaVerdict.Conflict, Reconciliation.Judge(other, Entry(5), null, false, Cluster));
    }

    [Fact]
    public void A_replica_of_another_cluster_is_never_mixed_in_nor_deleted_by_our_tombstones() =>
        Assert.Equal(ReplicaVerdict.OtherCluster, Reconciliation.Judge(Report(5), null, Grave(9), false, "another cluster"));

    [Theory]
    [InlineData(true, false, 0, PreparedVerdict.Seal)]
    [InlineData(true, true, 0, PreparedVerdict.Keep)]
    [InlineData(false, true, 100_000, PreparedVerdict.Keep)]
    [InlineData(false, false, 86_399, PreparedVerdict.Keep)]
    [InlineData(false, false, 86_400, PreparedVerdict.Discard)]
    public void Prepared_bytes_are_sealed_by_the_catalog_and_discarded_a_day_after_their_upload(
        bool committed, bool open, double age, PreparedVerdict verdict) =>
        Assert.Equal(verdict, Reconciliation.Judge(Prepared(age), committed ? Entry(5) : null, open));

    [Fact]
    public void Prepared_bytes_that_differ_from_what_was_committed_are_never_sealed()
    {
        Assert.Equal(PreparedVerdict.Discard, Reconciliation.Judge(Prepared(0) with { Size = 1 }, Entry(5), open: false));
        Assert.Equal(PreparedVerdict.Discard, Reconciliation.Judge(Prepared(0) with { Checksum = new Checksum(1) }, Entry(5), open: false));
    }

    [Fact]
    public void A_node_is_away_too_long_when_it_was_last_settled_before_tombstones_began_to_live()
    {
        Assert.True(Absence.IsTooLong(99, 100 + Retention.TotalSeconds, Retention));
        Assert.False(Absence.IsTooLong(100, 100 + Retention.TotalSeconds, Retention));
    }

    [Theory]
    [InlineData(3600, false, 2, true)]
    [InlineData(3599, false, 2, false)]
    [InlineData(3600, true, 2, false)]
    [InlineData(3600, false, 1, false)]
    public void A_superseded_replica_goes_after_its_grace_unread_and_when_the_present_version_is_complete(int seconds, bool stream, int copies, bool due) =>
        Assert.Equal(due, SupersededRemoval.IsDue(TimeSpan.FromSeconds(seconds), TimeSpan.FromHours(1), stream, copies, goal: 2));

    [Fact]
    public void A_superseded_replica_stays_while_the_present_version_has_no_copy_at_all() =>
        Assert.False(SupersededRemoval.IsDue(TimeSpan.FromDays(9), TimeSpan.FromHours(1), streamOpen: false, currentCopies: 0, goal: 0));

    [Fact]
    public void An_entry_that_nobody_has_yields_to_the_highest_sealed_version_that_is_not_buried()
    {
        Assert.Equal(Replica(4), Yield(Entry(9), [Report(3), Report(4)]));
        Assert.Equal(Replica(4), Yield(Entry(9), [Report(3), Report(4)], bound: 3));
        Assert.Null(Yield(Entry(9), [Report(3), Report(4)], bound: 4));
        Assert.Null(Yield(Entry(9), []));
    }

    [Fact]
    public void An_entry_stays_while_anyone_may_have_it()
    {
        Assert.Null(Yield(Entry(9), [Report(4)], prepared: true));
        Assert.Null(Yield(Entry(9), [Report(4), Report(9, damaged: true)]));
        Assert.Null(Yield(Entry(9), [Report(4)], reported: [1, 2]));
        Assert.Null(Yield(Entry(9, hint: [4]), [Report(4)]));
    }

    [Fact]
    public void Nothing_yields_to_a_replica_of_a_node_that_was_away_too_long() => Assert.Null(Yield(Entry(9), [Report(3), Report(4)], away: true));

    [Fact]
    public void Of_two_tombstones_the_higher_bound_wins_and_of_equal_ones_the_younger()
    {
        Assert.Equal(Grave(5), TombstoneRules.Merge(null, Grave(5)));
        Assert.Equal(Grave(5), TombstoneRules.Merge(Grave(4), Grave(5)));
        Assert.Equal(Grave(5), TombstoneRules.Merge(Grave(5), Grave(4, age: 900)));
        Assert.Equal(Grave(5, age: 900), TombstoneRules.Merge(Grave(5), Grave(5, age: 900)));
    }

    [Fact]
    public void A_tombstone_is_forgotten_when_it_is_old_and_nobody_who_counts_may_need_it()
    {
        var now = 1000 + Retention.TotalSeconds;
        NodePresence here = new(Reported: true, now), away = new(Reported: false, now - 60), gone = new(Reported: false, 500);
        Assert.True(Forget(Grave(5, age: 999), needed: false, here, here, gone));
        Assert.False(Forget(Grave(5, age: 1001), needed: false, here, here, gone));
        Assert.False(Forget(Grave(5, age: 999), needed: true, here, here, gone));
        Assert.False(Forget(Grave(5, age: 999), needed: false, here, away));

        bool Forget(Tombstone tombstone, bool needed, params NodePresence[] nodes) => TombstoneRules.MayForget(tombstone, now, Retention, needed, nodes);
    }

    private static ReplicaDescription? Yield(
        CatalogEntry entry, ReplicaReport[] reports, int? bound = null, bool prepared = false, int[]? reported = null, bool away = false) =>
        EntryYield.To(
            entry, bound is { } b ? Grave(b) : null, [.. reports.Select(report => new SealedReplica(report, away))], prepared, [Id(1), Id(2), Id(3)], (reported ?? [1, 2, 3]).Select(Id).ToHashSet());

    private static ReplicaDescription Replica(int version)
    {
        Assert.True(UploadId.TryParse(version.ToString("x32", CultureInfo.InvariantCulture), out var upload));
        return new ReplicaDescription(Movie, new MovieVersion(version), 1000, new Checksum(7), DateTimeOffset.UnixEpoch, upload, Cluster);
    }

    private static ReplicaReport Report(int version, bool damaged = false) => new(Replica(version), damaged, Verified: true);

    private static CatalogEntry Entry(int version, params int[] hint) => new(Replica(version), [.. hint.Select(Id)]);

    private static PreparedReport Prepared(double age) => new(Replica(5).Upload, 1000, new Checksum(7), age);

    private static Tombstone Grave(int bound, double age = 100) => new(Movie, new MovieVersion(bound), age, DateTimeOffset.UnixEpoch);
}
