using System.Net;
using Mdfs.Garnet;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Nodes;
using Mdfs.Master.Repair;
using Mdfs.Master.Status;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

/// <summary>A master that starts while Redis is away serves what workers report, and becomes writable by itself (design, section 2.6).</summary>
public sealed class MasterWithoutRedisTests
{
    private const string Ours = "0123456789abcdef0123456789abcdef";
    private static readonly FileName Film = FileName.Parse("film.mp4");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_starts_reads_from_workers_changes_nothing_and_takes_up_its_reign_when_redis_is_there()
    {
        using var temp = new TempDirectory();
        var past = new GarnetStore(new GarnetStoreOptions { Port = TestPorts.Next(), DataDirectory = temp["past"] });
        var port = await PastAsync(past);
        await using var rig = await StartAsync(past);
        var session = rig.Get<CatalogSession>();
        Assert.False(session.Attached);
        // The operator hears what became of the attempt.
        Assert.Contains("Redis did not answer: ", session.Health.Sentence);
        // It serves, so that whoever spreads requests goes on sending them.
        Assert.Equal($"OK\n{MasterHealth.RedisAway}", (await rig.Client.GetStringAsync("/health", Cancelled)).TrimEnd());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await rig.Client.GetAsync("/api/files/unknown.mp4", Cancelled)).StatusCode);

        var node = new SpeakingNode(1) { ClusterId = Ours, Epoch = 7 };
        node.Hold(SpeakingNode.Sealed("film.mp4", 5, Ours));
        var conversation = rig.Get<BeatConversation>();
        var reply = node.Hear(await conversation.AnswerAsync(node.Beat(), Cancelled));
        // It reigns over nothing, so it raises nobody's epoch and orders nothing.
        Assert.Equal(7, reply.Epoch);
        Assert.True(reply.SendInventory);
        Assert.True(conversation.TakePage(node.Inventory()).Accepted);
        await Eventually.TrueAsync(() => rig.Get<FileCatalog>().Find(Film) is not null, "the movie can be read", MdfsClient.Patience, Cancelled);
        Assert.Equal(HttpStatusCode.OK, (await rig.Client.GetAsync("/api/files/film.mp4", Cancelled)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await rig.Admin.PutAsync("/api/files/new.mp4", new ByteArrayContent([1]), Cancelled)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await rig.Admin.DeleteAsync("/api/files/film.mp4", Cancelled)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await rig.Client.GetAsync("/api/files/unknown.mp4", Cancelled)).StatusCode);

        await using var store = new GarnetStore(new GarnetStoreOptions { Port = port, DataDirectory = temp["garnet"] });
        await store.StartAsync(Cancelled);
        await Eventually.TrueAsync(() => session.Attached, "the master has found Redis", TimeSpan.FromSeconds(60), Cancelled);
        Assert.True(rig.Get<MasterIdentity>().Epoch > 7);
        await Eventually.TrueAsync(
            async () =>
            {
                var told = node.Hear(await conversation.AnswerAsync(node.Beat(), Cancelled));
                if (told.SendInventory) conversation.TakePage(node.Inventory());
                return !session.IsUncertain;
            },
            "what the worker holds stands in Redis", TimeSpan.FromSeconds(60), Cancelled);
        Assert.Equal(5, rig.Get<FileCatalog>().Find(Film)!.Version.Number);
        Assert.Equal(HttpStatusCode.NotFound, (await rig.Client.GetAsync("/api/files/unknown.mp4", Cancelled)).StatusCode);
        await Eventually.TrueAsync(async () => (await rig.Client.GetStringAsync("/health", Cancelled)).TrimEnd() == "OK", "health says that all is well", MdfsClient.Patience, Cancelled);
        rig.Get<RebuildState>().Begin("Redis was empty.");
        Assert.Equal($"OK\n{MasterHealth.Rebuilding}", (await rig.Client.GetStringAsync("/health", Cancelled)).TrimEnd());
    }

    [Fact]
    public async Task What_an_admin_has_said_of_a_node_holds_also_when_the_node_was_heard_before_redis()
    {
        using var temp = new TempDirectory();
        var before = new GarnetStore(new GarnetStoreOptions { Port = TestPorts.Next(), DataDirectory = temp["garnet"] });
        await before.StartAsync(Cancelled);
        var (port, address) = (before.Port, before.ConnectionString);
        var node = new SpeakingNode(1) { ClusterId = Ours };
        await using (var first = await MasterRig.StartAtAsync(address, null))
        {
            node.Hear(await first.Get<BeatConversation>().AnswerAsync(node.Beat(), Cancelled));
            Assert.True(await first.Get<Drains>().SetAsync(node.Id, true, Cancelled, paused: true));
            Assert.True(await first.Get<Maintenance>().SetAsync(node.Id, TimeSpan.FromHours(1), Cancelled));
        }

        await before.DisposeAsync();
        await using var rig = await MasterRig.StartAtAsync(
            address + ",connectTimeout=500", null, ("Mdfs:Master:RedisStartWait", "00:00:00.5"), ("Mdfs:Master:HealthCheckInterval", "00:00:00.2"));
        node.Hear(await rig.Get<BeatConversation>().AnswerAsync(node.Beat(), Cancelled));
        await using var store = new GarnetStore(new GarnetStoreOptions { Port = port, DataDirectory = temp["garnet"] });
        await store.StartAsync(Cancelled);
        await Eventually.TrueAsync(() => rig.Get<CatalogSession>().Attached, "the master has found Redis", TimeSpan.FromSeconds(60), Cancelled);
        Assert.True(rig.Get<NodeRegistry>().View.Find(node.Id) is { Draining: true, DrainPaused: true });
        lock (rig.Get<NodeRegistry>().Gate) Assert.True(rig.Get<NodeRegistry>().Find(node.Id) is { MaintenanceUntil: > 0, MaintenanceByAdmin: true });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_worker_has_not_told_yet_is_not_said_to_be_unknown_when_redis_comes_back_empty_or_older(bool older)
    {
        using var temp = new TempDirectory();
        var past = new GarnetStore(new GarnetStoreOptions { Port = TestPorts.Next(), DataDirectory = temp["past"] });
        var port = await PastAsync(past, older ? Older : null);
        await using var rig = await StartAsync(past);
        var session = rig.Get<CatalogSession>();
        var conversation = rig.Get<BeatConversation>();
        var node = new SpeakingNode(1) { ClusterId = Ours, Epoch = 7 };
        node.Hold(SpeakingNode.Sealed("film.mp4", 5, Ours));
        // It has beaten, and its inventory is still on its way.
        node.Hear(await conversation.AnswerAsync(node.Beat() with { HighestVersion = new MovieVersion(5) }, Cancelled));

        await using var store = new GarnetStore(new GarnetStoreOptions { Port = port, DataDirectory = temp[older ? "past" : "garnet"] });
        await store.StartAsync(Cancelled);
        await Eventually.TrueAsync(() => session.Attached, "the master has found Redis", TimeSpan.FromSeconds(60), Cancelled);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await rig.Client.GetAsync("/api/files/film.mp4", Cancelled)).StatusCode);

        await Eventually.TrueAsync(
            async () =>
            {
                var told = node.Hear(await conversation.AnswerAsync(node.Beat(), Cancelled));
                if (told.SendInventory) conversation.TakePage(node.Inventory());
                return !session.IsUncertain;
            },
            "the catalog is whole", TimeSpan.FromSeconds(60), Cancelled);
        Assert.Equal(HttpStatusCode.OK, (await rig.Client.GetAsync("/api/files/film.mp4", Cancelled)).StatusCode);
    }

    [Fact]
    public async Task One_that_is_replaced_before_it_has_loaded_stops()
    {
        using var temp = new TempDirectory();
        var past = new GarnetStore(new GarnetStoreOptions { Port = TestPorts.Next(), DataDirectory = temp["past"] });
        var port = await PastAsync(past);
        // By a clock that stands still it tries once by itself.
        await using var rig = await MasterRig.StartAtAsync(
            past.ConnectionString + ",connectTimeout=500", new FakeTimeProvider(DateTimeOffset.UtcNow), ("Mdfs:Master:RedisStartWait", "00:00:00"), ("Mdfs:Master:CommitWait", "00:00:00.5"));
        var watch = rig.Services.GetServices<IHostedService>().OfType<SessionWatch>().Single();
        await Eventually.TrueAsync(() => watch.Status.LastEnd is not null, "it has tried", TimeSpan.FromSeconds(60), Cancelled);

        await using var garnet = new GarnetStore(new GarnetStoreOptions { Port = port, DataDirectory = temp["garnet"] });
        await garnet.StartAsync(Cancelled);
        var (session, store) = (rig.Get<CatalogSession>(), rig.Get<CatalogStore>());
        await Eventually.TrueAsync(async () => await store.TakeEpochAsync(0, Cancelled) is EpochOutcome.Taken, "it has its epoch", TimeSpan.FromSeconds(60), Cancelled);
        await using var other = await CatalogStoreMaster.StartAsync(port, rig.Get<IOptions<CatalogStoreOptions>>().Value.RedisKeyPrefix);
        Assert.True(other.Store.Epoch > store.Epoch);

        var stopping = rig.Get<IHostApplicationLifetime>().ApplicationStopping;
        await Eventually.TrueAsync(async () => !await session.TryAttachAsync(TimeSpan.FromSeconds(5), Cancelled) && stopping.IsCancellationRequested, "it stops", MdfsClient.Patience, Cancelled);
        Assert.Equal(CatalogSession.ReplacedExitCode, Environment.ExitCode);
        Environment.ExitCode = 0;
    }

    /// <summary>A catalog that knows one movie, which is older than what the worker has.</summary>
    private static async Task Older(string redis)
    {
        await using var rig = await MasterRig.StartAtAsync(redis, null, ("Mdfs:Master:NodeTimeout", "00:00:02"), ("Mdfs:Master:HealthCheckInterval", "00:00:00.2"));
        var conversation = rig.Get<BeatConversation>();
        var node = new SpeakingNode(2) { ClusterId = Ours };
        node.Hold(SpeakingNode.Sealed("older.mp4", 3, Ours));
        await Eventually.TrueAsync(
            async () =>
            {
                var told = node.Hear(await conversation.AnswerAsync(node.Beat(), Cancelled));
                if (told.SendInventory) conversation.TakePage(node.Inventory());
                return rig.Get<FileCatalog>().Count == 1 && !rig.Get<CatalogSession>().IsUncertain;
            },
            "the movie stands in Redis", MdfsClient.Patience, Cancelled);
    }

    /// <returns>A port at which a store has just been, and another will be: not one of those that systems give to connections.</returns>
    private static async Task<int> PastAsync(GarnetStore past, Func<string, Task>? live = null)
    {
        await past.StartAsync(Cancelled);
        var port = past.Port;
        if (live is not null) await live(past.ConnectionString);
        await past.DisposeAsync();
        return port;
    }

    private static Task<MasterRig> StartAsync(GarnetStore past) => MasterRig.StartAtAsync(
        past.ConnectionString + ",connectTimeout=500", null, ("Mdfs:Master:RedisStartWait", "00:00:00.5"), ("Mdfs:Master:HealthCheckInterval", "00:00:00.2"), ("Mdfs:Master:NodeTimeout", "00:00:02"));
}
