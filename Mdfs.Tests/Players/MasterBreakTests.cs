using System.Globalization;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Players;

/// <summary>The master is replaced while people watch: one short break, after which their players go on by themselves (docs/operations.md, Upgrading).</summary>
public sealed class MasterBreakTests
{
    private static readonly TimeSpan _promised = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Mpv_and_a_video_element_go_on_after_the_break_in_which_the_master_is_restarted()
    {
        Tools.Require("mpv");
        Tools.RequireBrowser();
        var path = await RealMovies.LongAsync();
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, settings: ("Mdfs:Master:NodeTimeout", "00:00:15"));
        await using (var file = File.OpenRead(path))
        {
            using var stored = await cluster.Client.PutAsync("long.mp4", new StreamContent(file), Cancelled);
            Assert.True(stored.IsSuccessStatusCode, await stored.Content.ReadAsStringAsync(Cancelled));
        }

        // A start without anybody watching, to know what one takes on this machine at present.
        Assert.Equal(0, await cluster.Master.StopAsync(Cancelled));
        var quiet = await TimeAsync(() => cluster.StartMasterAsync(Cancelled));

        var play = new Uri(cluster.Client.Master, "play?name=long.mp4");
        using var directory = new TempDirectory();
        await using var mpv = await Mpv.OpenAsync(play, directory.Path, Cancelled);
        await using var chromium = await Chromium.StartAsync(directory["browser"], Cancelled);
        await chromium.OpenAsync(play, Cancelled);
        await mpv.PlayAsync(Cancelled);
        await PassedAsync(1);

        var shown = await mpv.PositionAsync(Cancelled);
        Task<double> sought = null!;
        var pause = await TimeAsync(async () =>
        {
            var stopping = cluster.Master.StopAsync(Cancelled);
            await Eventually.TrueAsync(async () => !await ListensAsync(cluster.Client), "the master takes no more calls", MdfsClient.Patience, Cancelled);
            // Somebody moves on in the browser while nobody is there.
            sought = chromium.SeekAsync(90, Cancelled);
            Assert.Equal(0, await stopping);
            await cluster.StartMasterAsync(Cancelled);
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The break took {pause.TotalSeconds:0.0} s, a start by itself {quiet.TotalSeconds:0.0} s."));

        Assert.InRange(await sought, 89.9, 90.1);
        // Far beyond what it held: one mebibyte is a second or two of this movie.
        await PassedAsync(shown + 15);
        // A machine that is busy with other tests starts programs slowly; the promise is that of a machine that is not.
        Assert.InRange(pause, TimeSpan.Zero, TimeSpan.FromSeconds(Math.Max(_promised.TotalSeconds, 2.5 + (3 * quiet.TotalSeconds))));

        Task PassedAsync(double second) => Eventually.TrueAsync(async () => await mpv.PositionAsync(Cancelled) > second, $"mpv shows second {second:0}", TimeSpan.FromSeconds(90), Cancelled);
    }

    private static async Task<bool> ListensAsync(MdfsClient client)
    {
        try
        {
            using var answer = await client.Http.GetAsync("health", Cancelled);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        var began = TimeProvider.System.GetTimestamp();
        await work();
        return TimeProvider.System.GetElapsedTime(began);
    }
}
