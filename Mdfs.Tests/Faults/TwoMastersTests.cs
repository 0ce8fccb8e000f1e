using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>One master (design, section 2.7): a second one on the same Redis takes over, and the first harms nothing.</summary>
public sealed class TwoMastersTests
{
    private const int Replaced = 3;

    [Fact]
    public async Task A_second_master_takes_over_and_the_first_stops_by_itself_and_says_why()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, masters: 2, settings: ("Mdfs:Master:NodeTimeout", "00:00:05"));
        await StoreAsync(cluster.Client, "one.mp4", 1);
        await StoreAsync(cluster.Client, "two.mp4", 2);
        await Patiently.DeleteAsync(cluster.Client, "two.mp4", Cancelled);

        await cluster.StartMasterAsync(Cancelled, index: 1);
        Assert.Equal(Replaced, await cluster.Master.WaitForExitAsync(Cancelled));
        Assert.Contains("Another master took over with epoch", cluster.Master.Output);

        var second = cluster.ClientOf(cluster.Masters[1]);
        await second.WaitForNodesAsync(2, Cancelled);
        Assert.Equal(["one.mp4"], await NamesAsync(second));
        await second.AssertHoldsAsync("one.mp4", Movie(1), Cancelled);
        await StoreAsync(second, "two.mp4", 22);
        await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 8, Cancelled);
        await second.AssertHoldsAsync("one.mp4", Movie(1), Cancelled);
        await second.AssertHoldsAsync("two.mp4", Movie(22), Cancelled);
        await second.WaitForWholeAsync(2, Cancelled);
    }

    [Fact]
    public async Task A_frozen_master_that_thaws_after_it_was_replaced_acknowledges_nothing_and_takes_nothing_away()
    {
        await using var cluster = await ProcessCluster.StartAsync(
            Cancelled, workers: 2, masters: 2, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:IdleTimeout", "00:01:00"), ("Mdfs:Master:SupersededGrace", "00:00:00")]);
        var first = cluster.Client;
        await StoreAsync(first, "kept.mp4", 1);
        await StoreAsync(first, "overwritten.mp4", 2);
        await StoreAsync(first, "deleted.mp4", 3);
        using var late = new PausedContent(new MovieBytes(4, 4 << 20), pauseAt: 2 << 20);
        var upload = first.PutAsync("deleted.mp4", late, Cancelled);
        await late.Paused.WaitAsync(Cancelled);

        cluster.Master.Freeze();
        await cluster.StartMasterAsync(Cancelled, index: 1);
        var second = cluster.ClientOf(cluster.Masters[1]);
        await second.WaitForNodesAsync(2, Cancelled);
        await StoreAsync(second, "overwritten.mp4", 22);
        await Patiently.DeleteAsync(second, "deleted.mp4", Cancelled);

        cluster.Master.Thaw();
        late.GoOn();
        Assert.False(await AcknowledgedAsync(upload));
        Assert.Equal(Replaced, await cluster.Master.WaitForExitAsync(Cancelled));
        Assert.Contains("Another master took over with epoch", cluster.Master.Output);

        await Beats.PassAsync(cluster.Workers.Select(worker => worker.Address), 8, Cancelled);
        Assert.Equal(["kept.mp4", "overwritten.mp4"], await NamesAsync(second));
        await second.AssertHoldsAsync("kept.mp4", Movie(1), Cancelled);
        await second.AssertHoldsAsync("overwritten.mp4", Movie(22), Cancelled);
        await second.WaitForWholeAsync(2, Cancelled);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static MovieBytes Movie(ulong seed) => new(seed, 150_000 + (long)seed);

    private static Task StoreAsync(MdfsClient client, string name, ulong seed) => Patiently.StoreAsync(client, name, Movie(seed), Cancelled);

    private static async Task<IEnumerable<string>> NamesAsync(MdfsClient client) => (await client.ListAsync(Cancelled)).Select(file => file.Name);

    private static async Task<bool> AcknowledgedAsync(Task<HttpResponseMessage> upload)
    {
        try
        {
            using var response = await upload;
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
