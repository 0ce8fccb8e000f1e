using Mdfs.Master.Cluster;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit;

/// <summary>The index beside a plain one, and read while it is written.</summary>
public sealed class ReplicaIndexTests
{
    [Fact]
    public void It_says_what_a_plain_dictionary_would_say()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var dice = new Random(seed);
            var index = new ReplicaIndex();
            var plain = new Dictionary<MovieVersion, List<Holder>>();
            for (var step = 0; step < 5000; step++)
            {
                var (node, version) = (Nodes.Id(dice.Next(1, 9)), dice.Next(1, 3000));
                // Sometimes another size than the others have told.
                var report = new ReplicaReport(Replica(version, size: dice.Next(40) == 0 ? 7 : 100), dice.Next(4) == 0, dice.Next(2) == 0);
                var holders = plain.TryGetValue(report.Replica.Version, out var known) ? known : plain[report.Replica.Version] = [];
                holders.RemoveAll(holder => holder.Node == node);
                if (dice.Next(3) == 0)
                {
                    index.Remove(node, report.Replica.Version);
                }
                else
                {
                    index.Set(node, report);
                    holders.Add(new Holder(node, report.Damaged, report.Verified, report.Replica.Size, report.Replica.Checksum));
                }
            }

            foreach (var (version, holders) in plain)
            {
                var held = index.HoldersOf(version);
                Assert.Equal(holders, held);
                Assert.Equal(holders.Count, held.Count);
                Assert.Equal(holders.Count == 0, index.Describe(version) is null);
                Assert.Equal(holders.Where(holder => holder.Size == 100), index.CopiesOf(Replica((int)version.Number, 100)));
            }

            var names = plain.Where(pair => pair.Value.Count > 0).ToLookup(pair => Replica((int)pair.Key.Number, 100).Name, pair => pair.Key);
            Assert.Equal(names.Select(name => name.Key).Order(), index.Names.Order());
            foreach (var name in names) Assert.Equal(name.Order(), index.VersionsOf(name.Key).Order());
            Assert.Empty(index.VersionsOf(FileName.Parse("nobody.mp4")));
        }
    }

    [Fact]
    public void More_copies_than_fit_into_few_bytes_are_kept_as_well()
    {
        var index = new ReplicaIndex();
        for (var count = 1; count <= 12; count++)
        {
            index.Set(Nodes.Id(count), new ReplicaReport(Replica(1, 100), count == 3, count % 2 == 0));
            Assert.Equal(Enumerable.Range(1, count).Select(Nodes.Id), index.HoldersOf(new MovieVersion(1)).Select(holder => holder.Node));
        }

        for (var count = 12; count > 1; count--) index.Remove(Nodes.Id(count), new MovieVersion(1));
        Assert.Equal(new Holder(Nodes.Id(1), false, false, 100, new Checksum(1)), Assert.Single(index.HoldersOf(new MovieVersion(1))));
    }

    [Fact]
    public async Task Whoever_reads_while_it_grows_and_shrinks_sees_each_version_whole()
    {
        var index = new ReplicaIndex();
        const int Kept = 2000;
        for (var version = 1; version <= Kept; version++) Report(version);
        using var ended = new CancellationTokenSource();
        var reader = Task.Run(
            () =>
            {
                var reads = 0;
                while (!ended.IsCancellationRequested || reads == 0)
                {
                    for (var version = 1; version <= Kept; version += 7, reads++)
                    {
                        if (index.HoldersOf(new MovieVersion(version)).Count != 2 || index.Describe(new MovieVersion(version)) is null || index.VersionsOf(Replica(version, 100).Name).IsEmpty) return version;
                    }
                }

                return 0;
            },
            TestContext.Current.CancellationToken);

        for (var round = 0; round < 3; round++)
        {
            for (var version = Kept + 1; version <= 20 * Kept; version++) Report(version);
            for (var version = Kept + 1; version <= 20 * Kept; version++)
            {
                index.Remove(Nodes.Id(1), new MovieVersion(version));
                index.Remove(Nodes.Id(2), new MovieVersion(version));
            }
        }

        await ended.CancelAsync();
        Assert.Equal(0, await reader);

        void Report(int version)
        {
            index.Set(Nodes.Id(1), new ReplicaReport(Replica(version, 100), false, true));
            index.Set(Nodes.Id(2), new ReplicaReport(Replica(version, 100), false, true));
        }
    }

    /// <summary>Every third is another version of a name.</summary>
    private static ReplicaDescription Replica(int version, long size) =>
        new(FileName.Parse($"{version / 3}.mp4"), new MovieVersion(version), size, new Checksum((uint)version), DateTimeOffset.UnixEpoch, UploadId.Canary, "cluster");
}
