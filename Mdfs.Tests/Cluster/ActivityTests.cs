using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Garnet;
using Mdfs.Master.Events;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>The activity over HTTP: only for admins, kept over restarts, and never in anybody's way.</summary>
public sealed class ActivityTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_console_may_note_its_own_kinds_and_no_key_stays_in_what_it_notes()
    {
        await using var rig = await MasterRig.StartAsync();
        Assert.Equal(HttpStatusCode.NoContent, await PostAsync(rig, new { kind = "signed-in", actor = "10.0.0.7", detail = $"with {MasterRig.AdminKey}\nand more" }));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(rig, new { kind = "deleted", actor = "10.0.0.7" }));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(rig, new { actor = "10.0.0.7" }));
        using (var broken = await rig.Admin.PostAsync("/api/activity", new StringContent("{\"kind\":", System.Text.Encoding.UTF8, "application/json"), Cancelled)) Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);
        using (var text = await rig.Admin.PostAsync("/api/activity", new StringContent("signed-in"), Cancelled)) Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        using (var stranger = await rig.Client.PostAsJsonAsync("/api/activity", new { kind = "signed-in" }, Cancelled)) Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);

        var noted = Assert.Single((await ReadAsync(rig, "?kind=signed-in,signed-out")).EnumerateArray());
        Assert.Equal("10.0.0.7", noted.GetProperty("actor").GetString());
        Assert.Equal("with … and more", noted.GetProperty("detail").GetString());
        foreach (var wrong in (string[])["?kind=nonsense", "?limit=0", "?limit=many", "?before=x"])
        {
            using var refused = await rig.Admin.GetAsync("/api/activity" + wrong, Cancelled);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
    }

    [Fact]
    public async Task It_survives_a_restart_of_the_master_and_waits_while_Redis_is_away()
    {
        var cancellation = Cancelled;
        using var temp = new TempDirectory();
        var port = TestPorts.Next();
        var options = new GarnetStoreOptions { Port = port, DataDirectory = temp["garnet"] };
        var store = new GarnetStore(options);
        await store.StartAsync(cancellation);
        await using (var first = await MasterRig.StartAtAsync(store.ConnectionString, null))
        {
            await PostAsync(first, new { kind = "signed-in", actor = "before" });
            await Eventually.TrueAsync(() => first.Get<ActivityLog>().Unsaved(1).Count == 0, "the entry is in Redis", MdfsClient.Patience, cancellation);

            await store.DisposeAsync();
            await Eventually.TrueAsync(async () => (await ReadAsync(first, "?kind=redis-lost")).GetArrayLength() == 1, "the loss of Redis is noted", MdfsClient.Patience, cancellation);
            Assert.Equal(HttpStatusCode.NoContent, await PostAsync(first, new { kind = "signed-out", actor = "meanwhile" }));
            Assert.NotEmpty(first.Get<ActivityLog>().Unsaved(10));

            store = new GarnetStore(options);
            await store.StartAsync(cancellation);
            await Eventually.TrueAsync(
                async () => (await ReadAsync(first, "?kind=redis-back")).GetArrayLength() == 1 && first.Get<ActivityLog>().Unsaved(1).Count == 0, "what waited is in Redis", MdfsClient.Patience, cancellation);
        }

        await using (var second = await MasterRig.StartAtAsync(store.ConnectionString, null))
        {
            await Eventually.TrueAsync(
                async () => (await ReadAsync(second, "")).EnumerateArray().Select(item => item.GetProperty("kind").GetString()).ToHashSet()
                    .IsSupersetOf(["signed-in", "signed-out", "redis-lost", "redis-back", "master-started"]),
                "the second master tells what the first has noted", MdfsClient.Patience, cancellation);
            var ids = (await ReadAsync(second, "")).EnumerateArray().Select(item => item.GetProperty("id").GetString()).ToList();
            Assert.Equal(ids.Count, ids.Distinct().Count());
        }

        await store.DisposeAsync();
    }

    [Fact]
    public async Task A_Redis_that_came_back_empty_gets_everything_again()
    {
        await using var rig = await MasterRig.StartAsync();
        await PostAsync(rig, new { kind = "signed-in", actor = "kept" });
        await Eventually.TrueAsync(() => rig.Get<ActivityLog>().Unsaved(1).Count == 0, "the entry is in Redis", MdfsClient.Patience, Cancelled);
        var redis = rig.Get<StackExchange.Redis.IConnectionMultiplexer>().GetDatabase();
        await redis.ExecuteAsync("FLUSHALL");
        await Eventually.TrueAsync(
            async () => (await redis.ListRangeAsync("mdfs:activity")).Any(value => value.ToString().Contains("kept", StringComparison.Ordinal)),
            "it stands there again", MdfsClient.Patience, Cancelled);
    }

    private static async Task<HttpStatusCode> PostAsync(MasterRig rig, object note)
    {
        using var response = await rig.Admin.PostAsJsonAsync("/api/activity", note, Cancelled);
        return response.StatusCode;
    }

    private static async Task<JsonElement> ReadAsync(MasterRig rig, string query) =>
        (await rig.Admin.GetFromJsonAsync<JsonElement>("/api/activity" + query, Cancelled)).GetProperty("items");
}
