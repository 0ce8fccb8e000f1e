using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Tests.Support;
using Mdfs.Tests.Unit;

namespace Mdfs.Tests.Cluster;

/// <summary>What an admin's page can learn of a running cluster beyond its movies.</summary>
public sealed class AdminFactsTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    [Fact]
    public async Task Every_node_tells_its_version_its_machine_and_its_disk()
    {
        var lives = new HashSet<string?>();
        foreach (var node in (await Client.AdminAsync("api/nodes", Cancelled)).EnumerateArray())
        {
            Assert.Matches(@"^\d+\.\d+", node.GetProperty("version").GetString());
            Assert.NotEmpty(node.GetProperty("system").GetString()!);
            Assert.InRange(node.GetProperty("processors").GetInt32(), 1, 4096);
            Assert.True(node.GetProperty("uptimeSeconds").GetDouble() >= 0);
            Assert.True(node.GetProperty("diskTotal").GetInt64() >= node.GetProperty("diskFree").GetInt64());
            Assert.True(node.GetProperty("memoryUsed").GetInt64() > 1 << 20);
            Assert.True(lives.Add(node.GetProperty("life").GetString()));
        }

        Assert.Equal(3, lives.Count);
    }

    [Fact]
    public async Task Room_on_a_disk_that_nodes_share_is_counted_once()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsWindows(), "Elsewhere nodes do not tell which disk they have.");
        // Others write to it too, and beats are old: once and three times are told apart all the same.
        var there = new DriveInfo(shared.Cluster.Cluster.WorkerDirectory(shared.Cluster.Workers[0])).AvailableFreeSpace;
        var facts = await Client.AdminAsync("api/cluster", Cancelled);
        Assert.InRange(facts.GetProperty("free").GetInt64(), 0, there * 3 / 2);
        Assert.InRange(facts.GetProperty("capacity").GetInt64(), facts.GetProperty("free").GetInt64(), (there * 3 / 2) + facts.GetProperty("used").GetInt64());
    }

    [Fact]
    public void The_log_is_not_filled_by_the_client_of_Redis()
    {
        Assert.Contains(" Information: ", shared.Cluster.Logs.Text);
        Assert.DoesNotContain("ConnectionMultiplexer Information: ", shared.Cluster.Logs.Text);
    }

    [Fact]
    public async Task Uploads_and_deletions_are_told_with_who_asked_for_them()
    {
        await Client.StoreAsync("told.mp4", new MovieBytes(1, 100_000), Cancelled);
        await Client.StoreAsync("told.mp4", new MovieBytes(2, 200_000), Cancelled);
        using (var deleted = await Client.DeleteAsync("told.mp4", Cancelled)) Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        List<JsonElement> told = [];
        await Eventually.TrueAsync(
            async () =>
            {
                told = [.. (await Client.AdminAsync("api/activity?kind=uploaded,overwritten,deleted", Cancelled)).GetProperty("items").EnumerateArray().Where(item => item.TryGetProperty("name", out var name) && name.GetString() == "told.mp4")];
                return told.Count == 3;
            },
            "three entries", MdfsClient.Patience, Cancelled);
        Assert.Equal(["deleted", "overwritten", "uploaded"], told.Select(item => item.GetProperty("kind").GetString()).Order());
        Assert.All(told, item => Assert.Equal("127.0.0.1", item.GetProperty("actor").GetString()));
        Assert.Equal(200_000, told.Single(item => item.GetProperty("kind").GetString() == "deleted").GetProperty("size").GetInt64());
        Assert.Equal(3, (await Client.AdminAsync("api/activity?kind=node-joined", Cancelled)).GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task A_node_that_has_taken_a_movie_tells_whether_it_went_past_its_page_cache()
    {
        await Client.StoreAsync("past the cache.mp4", new MovieBytes(7, 3 << 20), Cancelled);
        var holders = (await Client.FactsAsync("past the cache.mp4", Cancelled))!.Holders.ToHashSet();
        await Eventually.TrueAsync(
            async () => (await Client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Where(node => holders.Contains(node.GetProperty("name").GetString()!)).All(node => node.TryGetProperty("directIo", out _)),
            "both holders have told", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task That_a_movie_was_overwritten_shows_in_a_number_although_no_count_has_changed()
    {
        await Client.StoreAsync("counted.mp4", new MovieBytes(5, 1000), Cancelled);
        var before = await ChangesAsync();
        await Client.StoreAsync("counted.mp4", new MovieBytes(6, 1000), Cancelled);
        Assert.True(await ChangesAsync() > before);

        async Task<long> ChangesAsync() => (await Client.AdminAsync("api/cluster", Cancelled)).GetProperty("changes").GetInt64();
    }

    [Fact]
    public async Task Settings_are_told_with_defaults_and_descriptions_and_no_secret_is()
    {
        var text = (await Client.AdminAsync("api/settings", Cancelled)).GetRawText();
        Assert.DoesNotContain(TestCluster.AdminKey, text);
        using var facts = JsonDocument.Parse(text);
        var settings = facts.RootElement.GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("settings").EnumerateArray()).ToList();
        Assert.All(settings, setting => Assert.True(setting.TryGetProperty("description", out var description) && description.GetString()!.Length > 10, setting.ToString()));
        // Written for whoever reads the page, not for who reads the source.
        Assert.DoesNotMatch(@"\((design|docs/)", text);
        Assert.Equal(settings.Count, settings.Select(setting => setting.GetProperty("key").GetString()).Distinct().Count());
        Assert.Empty(SettingsPageTests.OfTheMaster.Except(settings.Select(setting => setting.GetProperty("key").GetString()!)));
        JsonElement Of(string key) => settings.Single(setting => setting.GetProperty("key").GetString() == key);
        Assert.Equal(("5 s", "15 s"), (Of("Mdfs:Master:NodeTimeout").GetProperty("value").GetString(), Of("Mdfs:Master:NodeTimeout").GetProperty("default").GetString()));
        Assert.Equal("Copies that every movie shall have. Default 2; 1 to 16.", Of("Mdfs:Master:ReplicationFactor").GetProperty("description").GetString());
        Assert.Equal("set", Of("Mdfs:AdminKey").GetProperty("value").GetString());
        Assert.Equal("not set", Of("Mdfs:ReaderKey").GetProperty("value").GetString());
        Assert.Equal("set", Of("ConnectionStrings:redis").GetProperty("value").GetString());
    }

    [Theory]
    [InlineData("play?name=half.mp4")]
    // Not asked as players ask, and so answered by the server instead of a loop.
    [InlineData("play?name=half.mp4&asked=otherwise")]
    public async Task Bytes_of_a_download_under_way_are_counted_already(string target)
    {
        await Client.StoreAsync("half.mp4", new MovieBytes(8, 50 << 20), Cancelled);
        var before = await Client.MetricAsync("mdfs_download_bytes_total", Cancelled);
        using var response = await Client.Http.GetAsync(target, HttpCompletionOption.ResponseHeadersRead, Cancelled);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        var read = 0;
        var piece = new byte[1 << 20];
        // A piece is counted when all of it was taken, and how much connections hold of it is the kernel's business: the player reads on until the first is.
        await Eventually.TrueAsync(
            async () =>
            {
                if (read < 40 << 20)
                {
                    await body.ReadExactlyAsync(piece, Cancelled);
                    read += piece.Length;
                }
                return await Client.MetricAsync("mdfs_download_bytes_total", Cancelled) > before;
            },
            "what the player has is counted", MdfsClient.Patience, Cancelled);
        Assert.InRange(await Client.MetricAsync("mdfs_download_bytes_total", Cancelled), before + 1, before + (50 << 20) - 1);
        while (await body.ReadAsync(new byte[1 << 20], Cancelled) > 0) { }
        await Eventually.TrueAsync(async () => await Client.MetricAsync("mdfs_download_bytes_total", Cancelled) == before + (50 << 20), "every byte is counted once", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task Bytes_of_an_upload_under_way_are_counted_already()
    {
        var before = await Client.MetricAsync("mdfs_upload_bytes_total", Cancelled);
        var content = new PausedContent(new MovieBytes(9, 5 << 20), 3 << 20);
        var sending = Client.PutAsync("slowly.mp4", content, Cancelled);
        await Eventually.TrueAsync(async () => await Client.MetricAsync("mdfs_upload_bytes_total", Cancelled) == before + (3 << 20), "what has come is counted", MdfsClient.Patience, Cancelled);
        content.GoOn();
        using var stored = await sending;
        Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
        Assert.Equal(before + (5 << 20), await Client.MetricAsync("mdfs_upload_bytes_total", Cancelled));
    }

    [Fact]
    public async Task The_cluster_tells_how_far_healing_is_and_its_last_hours()
    {
        var healing = (await Client.AdminAsync("api/cluster", Cancelled)).GetProperty("healing");
        Assert.Equal(0, healing.GetProperty("running").GetInt32());
        Assert.Equal(0, healing.GetProperty("bytesRemaining").GetInt64());
        Assert.False(healing.TryGetProperty("etaSeconds", out _));
        var history = await Client.AdminAsync("api/cluster/history?minutes=60", Cancelled);
        Assert.Equal(10, history.GetProperty("stepSeconds").GetInt32());
        Assert.NotEqual(0, history.GetProperty("samples").GetArrayLength());
        Assert.Equal(60, (await Client.AdminAsync("api/cluster/history?minutes=61", Cancelled)).GetProperty("stepSeconds").GetInt32());
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/cluster/history?minutes=0") { Headers = { Authorization = Client.Admin } };
        using var refused = await Client.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task A_verification_of_a_large_movie_shows_how_far_it_is_on_each_node()
    {
        await Client.StoreAsync("long.mp4", new MovieBytes(3, 192L << 20), Cancelled);
        var seen = false;
        // Re-reading from memory is quick: it may take a few to catch one in the middle.
        for (var attempt = 0; attempt < 50 && !seen; attempt++)
        {
            using var verifying = new HttpRequestMessage(HttpMethod.Post, MdfsClient.FilePath("long.mp4") + "/verify");
            var running = Client.Http.SendAsync(verifying, Cancelled);
            while (!running.IsCompleted)
            {
                var progress = await Client.Http.GetFromJsonAsync<JsonElement>(MdfsClient.FilePath("long.mp4") + "/verify", Cancelled);
                if (!progress.GetProperty("running").GetBoolean()) continue;
                Assert.Equal(2 * (192L << 20), progress.GetProperty("bytesTotal").GetInt64());
                Assert.Equal(2, progress.GetProperty("nodes").GetArrayLength());
                seen |= progress.GetProperty("bytesRead").GetInt64() is > 0 and < 2 * (192L << 20);
            }

            using var done = await running;
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        }

        Assert.True(seen);
        using var missing = await Client.Http.GetAsync(MdfsClient.FilePath("no such.mp4") + "/verify", Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Fact]
    public async Task A_table_can_jump_to_a_place_and_show_only_what_lacks_copies()
    {
        for (var i = 0; i < 3; i++) await Client.StoreAsync($"jump {i}.mp4", new MovieBytes(4, 1000), Cancelled);
        var page = await Client.Http.GetFromJsonAsync<MoviePage>("api/files?query=jump&offset=1&limit=1", Cancelled);
        Assert.Equal(("jump 1.mp4", 3), (Assert.Single(page!.Files).Name, page.Total));
        Assert.Equal(0, (await Client.Http.GetFromJsonAsync<MoviePage>("api/files?query=jump&filter=under-replicated", Cancelled))!.Total);
        using var both = await Client.Http.GetAsync($"api/files?offset=1&cursor={page.Next}", Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, both.StatusCode);
    }
}
