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

    [Fact]
    public async Task A_piece_that_a_frozen_master_had_in_its_hands_takes_nothing_off_what_its_successor_acknowledged()
    {
        await using var cluster = await ProcessCluster.StartAsync(
            Cancelled, workers: 2, masters: 2, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:IdleTimeout", "00:01:00"), ("Mdfs:Master:SupersededGrace", "00:00:00")]);
        const int Before = 1 << 20, After = 3 << 20;
        var movie = new MovieBytes(5, 4 << 20);
        var bytes = movie.ToArray();
        var tus = new TusClient(cluster.Client);
        var path = new Uri(cluster.Master.Address, await tus.CreateAsync("resumed.mp4", movie.Length)).PathAndQuery;
        Assert.Equal(Before, await tus.AppendAsync(path, 0, bytes.AsMemory(0, Before)));

        // It waits in the socket of a master that stands still.
        cluster.Master.Freeze();
        var late = tus.PatchAsync(path, Before, bytes.AsMemory(Before, 64 << 10));
        await cluster.StartMasterAsync(Cancelled, index: 1);
        var second = cluster.ClientOf(cluster.Masters[1]);
        await second.WaitForNodesAsync(2, Cancelled);
        var successor = new TusClient(second);
        Assert.Equal(Before, await successor.OffsetAsync(path));
        Assert.Equal(After, await successor.AppendAsync(path, Before, bytes.AsMemory(Before, After - Before)));

        cluster.Master.Thaw();
        Assert.False(await AcknowledgedAsync(late));
        Assert.Equal(Replaced, await cluster.Master.WaitForExitAsync(Cancelled));
        Assert.Equal(After, await successor.OffsetAsync(path));
        Assert.Equal(movie.Length, await successor.AppendAsync(path, After, bytes.AsMemory(After)));
        await second.AssertHoldsAsync("resumed.mp4", movie, Cancelled);
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
