using CsCheck;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Storage;

namespace Mdfs.Tests.Unit;

public sealed class WorkerInventoryTests
{
    /// <summary>A master that applies beats, some of which or of whose answers get lost, always ends with what the node holds.</summary>
    [Fact]
    public void Deltas_add_up_to_the_whole_whatever_gets_lost() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[1, 6]).Array[1, 60].Sample(steps =>
        {
            var inventory = new Inventory();
            var master = new Dictionary<MovieVersion, ReplicaReport>();
            foreach (var (what, number) in steps)
            {
                var version = new MovieVersion(number);
                switch (what)
                {
                    case 0: inventory.Put(Report(version)); break;
                    case 1: inventory.Remove(version); break;
                    case 2: if (inventory.TryGet(version, out var held)) inventory.Mark(version, held.Generation, damaged: true, verified: false); break;
                    case 3: inventory.Beat(); break;
                    case 4: Apply(inventory.Beat(), master); break;
                    default: inventory.Acknowledge(Apply(inventory.Beat(), master)); break;
                }
            }

            var last = inventory.Beat();
            Apply(last, master);
            var digest = master.Values.Aggregate(0UL, (sum, report) => sum ^ InventoryDigest.Of(report));
            return (master.Count, digest) == (last.Count, last.Digest) && inventory.Whole().Replicas.ToHashSet().SetEquals(master.Values);
        });

    [Fact]
    public void What_was_acknowledged_is_not_said_again_and_what_came_later_is()
    {
        var inventory = new Inventory();
        inventory.Put(Report(new MovieVersion(1)));
        var beat = inventory.Beat();
        inventory.Put(Report(new MovieVersion(2)));
        inventory.Acknowledge(beat.Number);
        Assert.Equal([new MovieVersion(2)], inventory.Beat().Changed.Select(report => report.Replica.Version));
    }

    [Fact]
    public void A_reader_of_replaced_files_does_not_condemn_the_new_ones()
    {
        var inventory = new Inventory();
        var version = new MovieVersion(1);
        inventory.Put(Report(version));
        Assert.True(inventory.TryGet(version, out var before));
        inventory.Put(Report(version));
        Assert.False(inventory.Mark(version, before.Generation, damaged: true, verified: false));
        Assert.True(inventory.TryGet(version, out var after) && !after.Report.Damaged);
    }

    [Fact]
    public void A_flood_of_changes_is_left_to_the_inventory()
    {
        var inventory = new Inventory();
        for (var i = 1; i <= Inventory.MostChanges + 1; i++) inventory.Put(Report(new MovieVersion(i)));
        var beat = inventory.Beat();
        Assert.Empty(beat.Changed);
        Assert.Equal(Inventory.MostChanges + 1, beat.Count);
    }

    private static long Apply(BeatFacts beat, Dictionary<MovieVersion, ReplicaReport> master)
    {
        foreach (var report in beat.Changed) master[report.Replica.Version] = report;
        foreach (var version in beat.Removed) master.Remove(version);
        return beat.Number;
    }

    private static ReplicaReport Report(MovieVersion version) =>
        new(new ReplicaDescription(FileName.Parse($"{version.Number / 3}.mp4"), version, 10, new Checksum(3), DateTimeOffset.UnixEpoch, UploadId.New(), "c"), false, true);
}
