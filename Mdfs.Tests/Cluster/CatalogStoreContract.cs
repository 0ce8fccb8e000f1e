using System.Diagnostics;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using StackExchange.Redis;
using static Mdfs.Tests.Cluster.CatalogStoreMaster;

namespace Mdfs.Tests.Cluster;

/// <summary>What a catalog store keeps, on any server of the Redis protocol (design, section 2.6).</summary>
public abstract class CatalogStoreContract(RedisProcess server)
{
    private readonly string _prefix = $"{Guid.NewGuid():N}:";

    public static TheoryData<string> OddNames =>
    [
        "电影 第一部.mp4", "🎬🍿.mkv", "it's \"quoted\" & <tagged>.mp4", "100% %2F %00.mp4", "..mp4", "a{b}:*?[c].mp4", "\u202Egpj.mp4", "é.mp4",
        new string('日', 83) + "ab.mp4", "{\"replica\":null}.mp4", "*1$4EXEC.mp4",
    ];

    [Theory]
    [MemberData(nameof(OddNames))]
    public async Task A_movie_under_an_odd_name_comes_back_as_it_was(string name)
    {
        var node = NodeId.New();
        var movie = Movie(name, 7, node);
        await using (var master = await StartAsync(server.Port, _prefix))
            Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(new CatalogChange { Put = [movie], Bury = [Buried(name, 6)], Highest = new MovieVersion(7) }));

        await using var next = await StartAsync(server.Port, _prefix);
        var loaded = Assert.Single(next.Loaded.Entries).Value;
        Assert.Equal(movie.Replica, loaded.Replica);
        Assert.Equal([node], loaded.Hint);
        Assert.Equal(Buried(name, 6), Assert.Single(next.Loaded.Tombstones).Value);
        Assert.Empty(next.Loaded.Problems);
    }

    [Fact]
    public async Task What_was_replaced_removed_and_forgotten_stays_so()
    {
        await using (var master = await StartAsync(server.Port, _prefix))
        {
            await master.CommitAsync(Putting(Movie("a.mp4", 1), Movie("b.mp4", 2), Movie("c.mp4", 3)));
            await master.CommitAsync(Putting(Movie("a.mp4", 4)));
            await master.CommitAsync(Deleting("b.mp4", 9));
            await master.CommitAsync(Deleting("c.mp4", 8));
            await master.CommitAsync(new CatalogChange { Forget = [FileName.Parse("c.mp4")], Highest = new MovieVersion(1) });
        }

        await using var next = await StartAsync(server.Port, _prefix);
        Assert.Equal(new MovieVersion(4), Assert.Single(next.Loaded.Entries).Value.Version);
        Assert.Equal("b.mp4", Assert.Single(next.Loaded.Tombstones).Key.Value);
        Assert.Equal(new MovieVersion(9), next.Loaded.Highest);
        Assert.Equal(6, next.Loaded.Sequence); // one of them said that the new Redis is complete
    }

    [Fact]
    public async Task Nodes_holders_cluster_id_and_cluster_age_are_kept()
    {
        var (kept, gone) = (Node("kept") with { Draining = true, Zone = "cellar" }, Node("gone"));
        await using (var master = await StartAsync(server.Port, _prefix))
        {
            await master.CommitAsync(Putting(Movie("a.mp4", 1, gone.Id), Movie("b.mp4", 2, gone.Id)));
            Assert.IsType<WriteOutcome.Written>(await master.Store.SaveNodeAsync(kept, Cancelled));
            Assert.IsType<WriteOutcome.Written>(await master.Store.SaveNodeAsync(gone, Cancelled));
            Assert.IsType<WriteOutcome.Written>(await master.Store.RemoveNodeAsync(gone.Id, Cancelled));
            Assert.IsType<WriteOutcome.Written>(await master.Store.SaveHoldersAsync([new(new(1), [kept.Id, gone.Id]), new(new(2), [kept.Id])], Cancelled));
            Assert.IsType<WriteOutcome.Written>(await master.Store.SaveHoldersAsync([new(new(2), [])], Cancelled));
            Assert.IsType<WriteOutcome.Written>(await master.Store.SaveClusterAgeAsync(1234.5, Cancelled));
            Assert.IsType<WriteOutcome.Written>(await master.Store.SaveClusterAgeAsync(1000, Cancelled));
            Assert.IsType<WriteOutcome.Written>(await master.Store.EnsureClusterIdAsync("another", Cancelled));
            Assert.Equal(ClusterId, master.Store.ClusterId);
        }

        await using var next = await StartAsync(server.Port, _prefix);
        Assert.Equal(kept, Assert.Single(next.Loaded.Nodes));
        Assert.Equal([kept.Id, gone.Id], next.Loaded.Entries[FileName.Parse("a.mp4")].Hint);
        Assert.Equal([gone.Id], next.Loaded.Entries[FileName.Parse("b.mp4")].Hint);
        Assert.Equal(1234.5, next.Loaded.ClusterAge);
        Assert.Equal(ClusterId, next.Loaded.ClusterId);
    }

    [Fact]
    public async Task One_unreadable_value_is_reported_and_left_out_and_the_rest_is_loaded()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await master.CommitAsync(Putting(Movie("good.mp4", 1), Movie("other.mp4", 2)));
        await master.CommitAsync(Deleting("gone.mp4", 3));
        await master.Store.SaveNodeAsync(Node("node"), Cancelled);
        var database = master.Connection.GetDatabase();
        await database.HashSetAsync(_prefix + "files",
        [
            new("broken.mp4", "{\"replica\":"), new("null.mp4", "null"), new("empty.mp4", "{}"), new("bad\u0001name.mp4", "\u0000\u00ff"),
            new("moved.mp4", await database.HashGetAsync(_prefix + "files", "other.mp4")),
        ]);
        await database.HashSetAsync(_prefix + "tombstones", "broken.mp4", "[]");
        await database.HashSetAsync(_prefix + "nodes", "broken", "{\"id\":\"no id\"}");

        await using var next = await StartAsync(server.Port, _prefix);
        Assert.Equal(["good.mp4", "other.mp4"], next.Loaded.Entries.Keys.Select(name => name.Value).Order());
        Assert.Single(next.Loaded.Tombstones);
        Assert.Single(next.Loaded.Nodes);
        Assert.Equal(7, next.Loaded.Problems.Count);
        Assert.All(["broken.mp4", "null.mp4", "empty.mp4", "moved.mp4"], name => Assert.Contains(next.Loaded.Problems, problem => problem.Contains($"'{name}'", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_new_Redis_is_empty_and_stays_incomplete_until_it_is_said_to_be_whole()
    {
        await using (var first = await ConnectAsync(server.Port, _prefix))
        {
            Assert.Equal(new EpochOutcome.Taken(1), await first.Store.TakeEpochAsync(0, Cancelled));
            var loaded = await first.Store.LoadAsync(Cancelled);
            Assert.True(loaded is { Empty: true, Incomplete: true, Sequence: 0, Epoch: 1, ClusterId: null });
            Assert.IsType<CommitOutcome.Committed>(await first.Store.CommitAsync(Putting(Movie("a.mp4", 1)), Cancelled));
        }

        await using (var second = await ConnectAsync(server.Port, _prefix))
        {
            Assert.Equal(new EpochOutcome.Taken(2), await second.Store.TakeEpochAsync(0, Cancelled));
            Assert.True(await second.Store.LoadAsync(Cancelled) is { Empty: false, Incomplete: true });
            Assert.IsType<CommitOutcome.Committed>(await second.Store.MarkCompleteAsync(Cancelled));
        }

        await using var third = await StartAsync(server.Port, _prefix);
        Assert.True(third.Loaded is { Empty: false, Incomplete: false, Epoch: 3 });
    }

    [Fact]
    public async Task Changes_committed_side_by_side_all_stand_and_each_has_its_sequence_number()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        var outcomes = await Task.WhenAll(Enumerable.Range(1, 100).Select(i => master.CommitAsync(Putting(Movie($"{i}.mp4", i)))));
        Assert.Equal(100, outcomes.Select(outcome => Assert.IsType<CommitOutcome.Committed>(outcome).Sequence).Distinct().Count());
        Assert.Equal(100, (await VersionsAsync(server.Port, _prefix)).Count);
    }

    [Fact]
    public async Task A_change_that_contradicts_itself_is_refused_before_it_is_sent()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await Assert.ThrowsAsync<ArgumentException>(() => master.CommitAsync(Putting(Movie("a.mp4", 1)) with { Remove = [FileName.Parse("a.mp4")] }));
        await Assert.ThrowsAsync<ArgumentException>(() => master.CommitAsync(Deleting("a.mp4", 1) with { Forget = [FileName.Parse("a.mp4")] }));
    }

    [Fact]
    public async Task Nothing_is_written_before_the_epoch_was_taken()
    {
        await using var master = await ConnectAsync(server.Port, _prefix);
        await Assert.ThrowsAsync<InvalidOperationException>(() => master.Store.CommitAsync(Putting(Movie("a.mp4", 1)), Cancelled));
        await Assert.ThrowsAsync<InvalidOperationException>(() => master.Store.SaveNodeAsync(Node("n"), Cancelled));
        Assert.Equal(StoreState.NotOpened, (await master.Store.CheckAsync(Cancelled)).State);
    }

    [Fact]
    public async Task A_hundred_thousand_movies_are_loaded_in_seconds_and_written_back_in_seconds()
    {
        const int movies = 100_000;
        NodeId[] nodes = [NodeId.New(), NodeId.New()];
        await using var master = await StartAsync(server.Port, _prefix);
        foreach (var page in Enumerable.Range(1, movies).Chunk(2000))
            Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting([.. page.Select(i => Movie($"A movie of the library, part {i}.mkv", i, nodes))])));

        var loading = Stopwatch.StartNew();
        await using var next = await StartAsync(server.Port, _prefix);
        loading.Stop();
        Assert.Equal(movies, next.Loaded.Entries.Count);
        Assert.Equal(nodes, next.Loaded.Entries[FileName.Parse("A movie of the library, part 77777.mkv")].Hint);
        // All of it in one answer takes longer than the master's own operations may, on a busy machine.
        await using var patient = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{server.Port},asyncTimeout=60000");
        var raw = Stopwatch.StartNew();
        Assert.Equal(movies, (await patient.GetDatabase().HashGetAllAsync(_prefix + "files")).Length);
        raw.Stop();
        // Two seconds on an idle machine; on a busy one everything takes longer, the bare bytes too.
        TestContext.Current.SendDiagnosticMessage("100 000 movies loaded in {0} ms, their bare bytes in {1} ms", loading.ElapsedMilliseconds, raw.ElapsedMilliseconds);
        Assert.True(loading.Elapsed < TimeSpan.FromSeconds(5) + (20 * raw.Elapsed), $"100 000 movies took {loading.Elapsed} to load, their bare bytes {raw.Elapsed}.");

        await next.Connection.GetDatabase().KeyDeleteAsync([_prefix + "files", _prefix + "sequence"]);
        Assert.Equal(StoreState.Serving, (await next.Store.CheckAsync(Cancelled)).State);
        var report = Assert.Single(next.Restores);
        TestContext.Current.SendDiagnosticMessage("100 000 movies written back in {0} ms", report.Took.TotalMilliseconds);
        Assert.Equal(movies, await next.Connection.GetDatabase().HashLengthAsync(_prefix + "files"));
    }

    [Fact]
    public async Task A_key_that_somebody_made_something_else_is_made_right_again()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await master.CommitAsync(Putting(Movie("a.mp4", 1)));
        await master.Connection.GetDatabase().KeyDeleteAsync(_prefix + "files");
        await master.Connection.GetDatabase().StringSetAsync(_prefix + "files", "not a hash");
        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("b.mp4", 2))));
        Assert.NotEmpty(master.Restores);
        Assert.Equal(new Dictionary<string, long> { ["a.mp4"] = 1, ["b.mp4"] = 2 }, await VersionsAsync(server.Port, _prefix));
    }

    protected static NodeRecord Node(string name) => new(NodeId.New(), name, name, $"http://{name}:8081", null, null, false, 12.5);

}

public sealed class CatalogStoreOnGarnetTests(GarnetProcess server) : CatalogStoreContract(server), IClassFixture<GarnetProcess>
{
    private readonly GarnetProcess _server = server;

    [Fact]
    public async Task Its_durability_is_told()
    {
        await using var master = await StartAsync(_server.Port, "durability:");
        Assert.Equal(DurabilityLevel.ProcessKillSafe, master.Store.Durability!.Level);
        Assert.StartsWith("Garnet ", master.Store.Durability.Server, StringComparison.Ordinal);
    }
}

public sealed class CatalogStoreOnRedisTests(RedisServerProcess server) : CatalogStoreContract(server), IClassFixture<RedisServerProcess>
{
    private readonly RedisServerProcess _server = server;

    [Theory]
    [InlineData("appendfsync", "everysec", DurabilityLevel.Weak)]
    [InlineData("appendfsync", "no", DurabilityLevel.Weak)]
    [InlineData("appendonly", "no", DurabilityLevel.Weak)]
    [InlineData("appendfsync", "always", DurabilityLevel.Strong)]
    public async Task Its_durability_is_told(string setting, string value, DurabilityLevel level)
    {
        await using var admin = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_server.Port},allowAdmin=true");
        try
        {
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", setting, value);
            await using var master = await StartAsync(_server.Port, "durability:");
            Assert.Equal(level, master.Store.Durability!.Level);
            Assert.Null(master.Store.Durability.Refusal);
        }
        finally
        {
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "appendonly", "yes");
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "appendfsync", "always");
        }
    }

    [Fact]
    public async Task A_Redis_that_throws_keys_away_is_refused_at_start()
    {
        await using var admin = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_server.Port},allowAdmin=true");
        try
        {
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
            await using (var unlimited = await ConnectAsync(_server.Port, "eviction:"))
                Assert.IsType<EpochOutcome.Taken>(await unlimited.Store.TakeEpochAsync(0, Cancelled));

            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1gb");
            await using var master = await ConnectAsync(_server.Port, "eviction:");
            Assert.Contains("noeviction", Assert.IsType<EpochOutcome.Refused>(await master.Store.TakeEpochAsync(0, Cancelled)).Reason, StringComparison.Ordinal);
        }
        finally
        {
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory-policy", "noeviction");
        }
    }

    [Fact]
    public async Task A_Redis_that_takes_no_writes_gets_no_commit_and_the_next_one_succeeds()
    {
        await using var admin = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_server.Port},allowAdmin=true");
        await using var master = await StartAsync(_server.Port, "full:", options => options.CommitWait = TimeSpan.FromSeconds(1));
        try
        {
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");
            var refused = Assert.IsType<CommitOutcome.Unavailable>(await master.CommitAsync(Putting(Movie("a.mp4", 1))));
            Assert.Contains("out of memory", refused.Reason, StringComparison.Ordinal);
        }
        finally
        {
            await admin.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        }

        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("b.mp4", 2))));
        Assert.Equal(["b.mp4"], (await VersionsAsync(_server.Port, "full:")).Keys);
    }
}
