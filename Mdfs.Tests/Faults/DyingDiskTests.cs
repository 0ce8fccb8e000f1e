using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>Disks that cannot be read in places, become read-only or are not there (design, sections 2.3 and 6), on real mounts.</summary>
public sealed class DyingDiskTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sectors_that_cannot_be_read_cost_the_replica_and_a_disk_that_is_read_only_or_gone_the_node_until_it_is_mended()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A small disk is a tmpfs in a namespace of its own.");
        Tools.Require("nsenter");
        using var disk = await SmallDisk.TryMakeAsync(megabytes: 64, Cancelled);
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:ReplicationFactor", "3"), ("Mdfs:Worker:ReservedBytes", "0")]);
        await using var worker = disk.StartWorker(cluster);
        var client = cluster.Client;
        await client.WaitForNodesAsync(3, Cancelled);
        var (sick, well) = (new MovieBytes(1, 900_001), new MovieBytes(2, 700_000));
        Assert.Equal(3, await client.StoreAsync("sick.mp4", sick, Cancelled));
        Assert.Equal(3, await client.StoreAsync("well.mp4", well, Cancelled));
        var version = (await client.FactsAsync("sick.mp4", Cancelled))!.Version;

        await disk.BreakAsync($"{version}");
        var verdicts = await client.VerifyAsync("sick.mp4", Cancelled);
        Assert.Equal(2, verdicts.Count(verdict => verdict.Valid));
        Assert.Equal("alive", await StateAsync(client));
        await client.AssertHoldsAsync("sick.mp4", sick, Cancelled);
        Assert.Contains("small", (await client.FactsAsync("well.mp4", Cancelled))!.Holders);
        // Taken off, it is as it was, and counts again when it was re-read.
        await disk.RunAsync($"umount -l \"$(find \"$1/replicas\" -name {version})\"");
        await Eventually.TrueAsync(
            async () => (await client.VerifyAsync("sick.mp4", Cancelled)).All(verdict => verdict.Valid), "it can be read again", MdfsClient.Patience, Cancelled);

        await disk.MakeReadOnlyAsync();
        await WaitForAsync(client, "failed");
        Assert.Contains("cannot be written", await TroubleAsync(client));
        Assert.Equal(2, (await client.FactsAsync("well.mp4", Cancelled))!.Copies);
        Assert.Equal(2, await client.StoreAsync("later.mp4", new MovieBytes(3, 300_000), Cancelled));
        await client.AssertHoldsAsync("well.mp4", well, Cancelled);
        await disk.MendAsync();
        await WaitForAsync(client, "alive");
        await client.WaitForWholeAsync(3, Cancelled);

        await disk.VanishAsync();
        await WaitForAsync(client, "failed");
        Assert.Contains("mounted", await TroubleAsync(client));
        Assert.Equal(2, await client.StoreAsync("last.mp4", new MovieBytes(4, 300_000), Cancelled));
        await client.AssertHoldsAsync("well.mp4", well, Cancelled);
        await disk.MendAsync();
        await WaitForAsync(client, "alive");
        await client.WaitForWholeAsync(4, Cancelled);
        foreach (var movie in new[] { "sick.mp4", "well.mp4", "later.mp4", "last.mp4" })
            Assert.All(await client.VerifyAsync(movie, Cancelled), verdict => Assert.True(verdict.Valid));
    }

    [Fact]
    public async Task A_directory_that_is_gone_stays_gone_however_long_the_worker_beats_and_its_copies_are_made_elsewhere()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A small disk is a tmpfs in a namespace of its own.");
        Tools.Require("nsenter");
        using var disk = await SmallDisk.TryMakeAsync(megabytes: 64, Cancelled);
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:ReplicationFactor", "3"), ("Mdfs:Worker:ReservedBytes", "0")]);
        await using var worker = disk.StartWorker(cluster);
        var client = cluster.Client;
        await client.WaitForNodesAsync(3, Cancelled);
        Assert.Equal(3, await client.StoreAsync("before.mp4", new MovieBytes(1, 300_000), Cancelled));

        await disk.VanishAsync();
        await WaitForAsync(client, "failed");
        Assert.Equal(2, await client.StoreAsync("after.mp4", new MovieBytes(2, 300_000), Cancelled));
        // Its highest version is higher now than what it remembers, and the beats that tell it so are answered.
        await Beats.PassAsync([new Uri((await SmallAsync(client)).GetProperty("address").GetString()!)], 5, Cancelled);
        Assert.False(disk.HasIdentity());
        Assert.Equal("failed", await StateAsync(client));
        Assert.Equal(2, (await client.FactsAsync("before.mp4", Cancelled))!.Copies);

        await disk.MendAsync();
        await WaitForAsync(client, "alive");
        await client.WaitForWholeAsync(2, Cancelled);
    }

    [Fact]
    public async Task What_a_disk_holds_that_became_read_only_is_known_to_the_next_master_and_healed_from_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A small disk is a tmpfs in a namespace of its own.");
        Tools.Require("nsenter");
        using var disk = await SmallDisk.TryMakeAsync(megabytes: 64, Cancelled);
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, started: 0, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:ReplicationFactor", "2"), ("Mdfs:Worker:ReservedBytes", "0")]);
        var client = cluster.Client;
        await using var worker = disk.StartWorker(cluster);
        await client.WaitForNodesAsync(1, Cancelled);
        var movie = new MovieBytes(1, 900_001);
        Assert.Equal(1, await client.StoreAsync("only.mp4", movie, Cancelled));

        await disk.MakeReadOnlyAsync();
        await WaitForAsync(client, "failed");
        await cluster.Master.KillAsync();
        await cluster.StartMasterAsync(Cancelled);
        await Eventually.TrueAsync(
            async () => (await SmallAsync(client)).GetProperty("replicas").GetInt32() == 1, "the new master knows what the disk holds", MdfsClient.Patience, Cancelled);
        Assert.Equal("failed", await StateAsync(client));
        foreach (var other in cluster.Workers) await other.StartAsync();
        await client.WaitForWholeAsync(1, Cancelled);
        // Two that count, and the one that they were made from.
        var facts = (await client.FactsAsync("only.mp4", Cancelled))!;
        Assert.Equal((2, "small worker-1 worker-2"), (facts.Copies, string.Join(' ', facts.Holders)));
        await client.AssertHoldsAsync("only.mp4", movie, Cancelled);
    }

    private static async Task<System.Text.Json.JsonElement> SmallAsync(MdfsClient client) =>
        (await client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Single(node => node.GetProperty("name").GetString() == "small");

    private static async Task<string?> StateAsync(MdfsClient client) => (await SmallAsync(client)).GetProperty("state").GetString();

    private static async Task<string?> TroubleAsync(MdfsClient client) => (await SmallAsync(client)).GetProperty("closedForWrites").GetString();

    private static Task WaitForAsync(MdfsClient client, string state) => Eventually.TrueAsync(async () => await StateAsync(client) == state, $"it is {state}", MdfsClient.Patience, Cancelled);
}
