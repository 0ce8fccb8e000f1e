using System.Net;
using System.Net.Http.Headers;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>Every process of a cluster replaced by a new one, while people watch.</summary>
public sealed class RollingUpgradeTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Workers_restarted_one_by_one_and_then_the_master_cost_no_play_a_byte()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, settings: [("Mdfs:Master:NodeTimeout", "00:00:05")]);
        var movie = new MovieBytes(1, 6_000_000);
        await Patiently.StoreAsync(cluster.Client, "all the while.mp4", movie, Cancelled);

        // One after the other: what a play gets from the stopping node is continued from another, in the same response.
        using var enough = new CancellationTokenSource();
        var plays = Task.Run(() => PlayAgainAndAgainAsync(cluster.Client, movie, enough.Token), Cancelled);
        foreach (var worker in cluster.Workers)
        {
            Assert.Equal(0, await worker.StopAsync(Cancelled));
            // It said so: nobody has to notice its silence.
            Assert.Equal("stopped", (await cluster.Client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Single(node => node.GetProperty("name").GetString() == worker.Name).GetProperty("state").GetString());
            await worker.StartAsync();
            await cluster.WaitForWorkersAsync(Cancelled);
            await cluster.Client.WaitForWholeAsync(1, Cancelled);
        }

        await enough.CancelAsync();
        Assert.InRange(await plays, 1, int.MaxValue);

        // The master: a player that reconnects goes on where it was.
        using var reached = new SemaphoreSlim(0);
        var player = Task.Run(() => PlayReconnectingAsync(cluster.Client, movie, reached), Cancelled);
        await reached.WaitAsync(Cancelled);
        Assert.Equal(0, await cluster.Master.StopAsync(Cancelled));
        await cluster.StartMasterAsync(Cancelled);
        var (bytes, gap, failed) = await player.WaitAsync(TimeSpan.FromMinutes(1), Cancelled);
        Assert.Equal(movie.ToArray(), bytes);
        // Or it would have been told of nothing.
        Assert.InRange(failed, 1, int.MaxValue);
        TestContext.Current.TestOutputHelper?.WriteLine($"Between two answers the player waited {gap.TotalSeconds:0.0} s at most.");
        await cluster.Client.WaitForNodesAsync(3, Cancelled);
        await cluster.Client.WaitForWholeAsync(1, Cancelled);
    }

    private static async Task<int> PlayAgainAndAgainAsync(MdfsClient client, MovieBytes movie, CancellationToken enough)
    {
        var played = 0;
        for (; !enough.IsCancellationRequested; played++)
            await client.AssertHoldsAsync("all the while.mp4", movie, Cancelled);
        return played;
    }

    /// <summary>As players do: piece by piece, with If-Range, so that another version would not be glued to this one.</summary>
    private static async Task<(byte[] Bytes, TimeSpan LongestGap, int Failed)> PlayReconnectingAsync(MdfsClient client, MovieBytes movie, SemaphoreSlim reached)
    {
        const int piece = 200_000;
        var (bytes, longest, last) = (new MemoryStream(), TimeSpan.Zero, TimeProvider.System.GetTimestamp());
        string? etag = null;
        var failed = 0;
        while (bytes.Length < movie.Length)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, MdfsClient.DownloadPath("all the while.mp4"));
                request.Headers.Range = new RangeHeaderValue(bytes.Length, Math.Min(bytes.Length + piece, movie.Length) - 1);
                if (etag is not null) request.Headers.IfRange = new RangeConditionHeaderValue(new EntityTagHeaderValue(etag));
                using var response = await client.Http.SendAsync(request, Cancelled);
                if (response.StatusCode == HttpStatusCode.PartialContent)
                {
                    etag = response.Headers.ETag!.Tag;
                    bytes.Write(await response.Content.ReadAsByteArrayAsync(Cancelled));
                    var gap = TimeProvider.System.GetElapsedTime(last);
                    longest = gap > longest ? gap : longest;
                    last = TimeProvider.System.GetTimestamp();
                    if (bytes.Length >= movie.Length / 4) reached.Release();
                }
                else
                {
                    Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
                    failed++;
                }
            }
            catch (HttpRequestException)
            {
                // The master is away; a player tries again.
                failed++;
            }

            // The film lasts longer than the break: otherwise it would be over before anything happens.
            await Task.Delay(200, Cancelled);
        }

        return (bytes.ToArray(), longest, failed);
    }
}
