using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>The command line while parts of the cluster are away or lie.</summary>
public sealed class CliFaultTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Without_Redis_reading_goes_on_and_what_could_not_be_stored_is_stored_by_the_same_command_later()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, settings: [("Mdfs:Master:CommitWait", "00:00:01")]);
        using var mdfs = new MdfsCommand(_temp.Path, cluster.Client.Master, TestCluster.AdminKey);
        var movie = new MovieBytes(1, 200_000);
        await Patiently.StoreAsync(cluster.Client, "before.mp4", movie, Cancelled);
        await using (var file = File.Create(_temp["during.mp4"]))
            await movie.Open().CopyToAsync(file, Cancelled);

        await cluster.Cluster.StopStoreAsync();
        (await mdfs.RunAsync("put", _temp["during.mp4"], "--retries", "0")).AssertEnded(3);
        (await mdfs.RunAsync("rm", "-y", "before.mp4", "--retries", "0")).AssertEnded(3);
        Assert.Contains("before.mp4", (await mdfs.RunAsync("ls")).AssertEnded(0).Out);
        (await mdfs.RunAsync("get", "before.mp4")).AssertEnded(0);

        await cluster.Cluster.StartStoreAsync(Cancelled);
        (await mdfs.RunAsync("put", _temp["during.mp4"], "--retries", "20")).AssertEnded(0);
        await cluster.Client.AssertHoldsAsync("during.mp4", movie, Cancelled);
        await cluster.Client.AssertHoldsAsync("before.mp4", movie, Cancelled);
    }

    [Fact]
    public async Task A_rotten_copy_is_found_by_verify()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, settings: [("Mdfs:Master:RepairInterval", "00:10:00"), ("Mdfs:Master:NodeTimeout", "00:00:05")]);
        using var mdfs = new MdfsCommand(_temp.Path, cluster.Client.Master, TestCluster.AdminKey);
        await Patiently.StoreAsync(cluster.Client, "rot.mp4", new MovieBytes(2, 500_000), Cancelled);
        var replica = cluster.Workers.SelectMany(cluster.ReplicaFiles).First();
        BitRot.Flip(replica, 300_000);

        var verdict = Assert.Single((await mdfs.RunAsync("verify", "--all", "--json")).AssertEnded(6).Json);
        Assert.False(verdict.GetProperty("valid").GetBoolean());
        Assert.Single(verdict.GetProperty("nodes").EnumerateArray(), node => !node.GetProperty("valid").GetBoolean());
    }
}
