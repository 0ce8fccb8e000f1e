using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using StackExchange.Redis;
using static Mdfs.Tests.Cluster.CatalogStoreMaster;

namespace Mdfs.Tests.Cluster;

/// <summary>One master, and a Redis that is wiped or goes back while it reigns (design, section 2.7).</summary>
public abstract class CatalogStoreReigns(RedisProcess server)
{
    private readonly string _prefix = $"{Guid.NewGuid():N}:";

    [Fact]
    public async Task A_second_master_takes_over_and_the_first_one_writes_nothing_any_more()
    {
        await using var first = await StartAsync(server.Port, _prefix);
        await first.CommitAsync(Putting(Movie("a.mp4", 1)));
        await using var second = await StartAsync(server.Port, _prefix);

        Assert.Equal(new CommitOutcome.Replaced(2), await first.CommitAsync(Putting(Movie("b.mp4", 2))));
        Assert.Equal(2, await first.Store.Replaced.WaitAsync(MdfsClient.Patience, Cancelled));
        Assert.Equal(new WriteOutcome.Replaced(2), await first.Store.RemoveNodeAsync(NodeId.New(), Cancelled));
        Assert.True(await first.Store.CheckAsync(Cancelled) is { State: StoreState.Replaced, ReplacedBy: 2 });
        Assert.Equal(new EpochOutcome.Replaced(2), await first.Store.TakeEpochAsync(7, Cancelled));

        Assert.IsType<CommitOutcome.Committed>(await second.CommitAsync(Putting(Movie("c.mp4", 3))));
        Assert.Equal(new Dictionary<string, long> { ["a.mp4"] = 1, ["c.mp4"] = 3 }, await VersionsAsync(server.Port, _prefix));
        Assert.Empty(first.Restores);
        Assert.Empty(second.Restores);
    }

    [Fact]
    public async Task A_check_alone_notices_the_replacement()
    {
        await using var first = await StartAsync(server.Port, _prefix);
        Assert.Equal(StoreState.Serving, (await first.Store.CheckAsync(Cancelled)).State);
        await using var second = await StartAsync(server.Port, _prefix);
        Assert.Equal(StoreState.Replaced, (await first.Store.CheckAsync(Cancelled)).State);
        Assert.Equal(StoreState.Serving, (await second.Store.CheckAsync(Cancelled)).State);
    }

    [Fact]
    public async Task An_epoch_is_taken_above_what_was_heard_and_raised_while_reigning()
    {
        await using var master = await ConnectAsync(server.Port, _prefix);
        Assert.Equal(new EpochOutcome.Taken(42), await master.Store.TakeEpochAsync(41, Cancelled));
        await master.Store.LoadAsync(Cancelled);
        Assert.Equal(new EpochOutcome.Taken(42), await master.Store.TakeEpochAsync(40, Cancelled));
        Assert.Equal(new EpochOutcome.Taken(100), await master.Store.TakeEpochAsync(99, Cancelled));
        Assert.Equal(100, master.Store.Epoch);
        Assert.IsType<CommitOutcome.Committed>(await master.Store.CommitAsync(Putting(Movie("a.mp4", 1)), Cancelled));
    }

    [Fact]
    public async Task Of_two_masters_that_drew_the_same_epoch_the_earlier_one_stops()
    {
        await using var first = await StartAsync(server.Port, _prefix);
        await first.CommitAsync(Putting(Movie("a.mp4", 1)));
        var old = await OldState.TakeAsync(server.Port, _prefix);
        await using var second = await StartAsync(server.Port, _prefix);
        await second.CommitAsync(Putting(Movie("b.mp4", 2)));
        await old.PutBackAsync();
        await using var third = await StartAsync(server.Port, _prefix);
        Assert.Equal(second.Store.Epoch, third.Store.Epoch);

        Assert.Equal(new CommitOutcome.Replaced(2), await second.CommitAsync(Putting(Movie("c.mp4", 3))));
        Assert.IsType<CommitOutcome.Committed>(await third.CommitAsync(Putting(Movie("d.mp4", 4))));
        Assert.Equal(["a.mp4", "d.mp4"], (await VersionsAsync(server.Port, _prefix)).Keys.Order());
    }

    [Fact]
    public async Task A_wiped_Redis_is_given_the_masters_memory_before_the_next_commit()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await FillAsync(master);
        await FlushAsync();

        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("new.mp4", 2000))));
        var report = Assert.Single(master.Restores);
        Assert.Contains("wiped", report.Reason, StringComparison.Ordinal);
        Assert.Equal((1200, 1, 1), (report.Entries, report.Tombstones, report.Nodes));
        await AssertNextMasterKnowsAsync(master);
    }

    [Fact]
    public async Task A_wiped_Redis_is_noticed_by_a_check_and_by_a_write_that_is_no_commit()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await FillAsync(master);
        await FlushAsync();
        Assert.True(await master.Store.CheckAsync(Cancelled) is { State: StoreState.Serving, Restored: not null });
        await FlushAsync();
        Assert.IsType<WriteOutcome.Written>(await master.Store.SaveClusterAgeAsync(99, Cancelled));
        Assert.Equal(2, master.Restores.Count);
        await AssertNextMasterKnowsAsync(master);
    }

    [Fact]
    public async Task A_Redis_put_back_to_an_older_state_loses_neither_uploads_nor_deletions()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await master.CommitAsync(Putting(Movie("stays.mp4", 1), Movie("overwritten.mp4", 2), Movie("deleted.mp4", 3)));
        var old = await OldState.TakeAsync(server.Port, _prefix);
        await FillAsync(master);
        await master.CommitAsync(Putting(Movie("overwritten.mp4", 1500)));
        await master.CommitAsync(Deleting("deleted.mp4", 1501));
        await old.PutBackAsync();

        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("new.mp4", 2000))));
        Assert.Contains("older state", Assert.Single(master.Restores).Reason, StringComparison.Ordinal);
        await AssertNextMasterKnowsAsync(master);
    }

    [Fact]
    public async Task A_Redis_restarted_on_an_older_copy_of_its_data_is_noticed_and_repaired()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await master.CommitAsync(Putting(Movie("deleted.mp4", 1)));
        await server.BackUpAsync();
        await FillAsync(master);
        await master.CommitAsync(Deleting("deleted.mp4", 1501));
        await server.RollBackAsync();

        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("new.mp4", 2000))));
        Assert.Single(master.Restores);
        await AssertNextMasterKnowsAsync(master);
    }

    [Fact]
    public async Task Another_transaction_at_the_same_sequence_number_is_another_history()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await FillAsync(master);
        var database = master.Connection.GetDatabase();
        await database.StringSetAsync(_prefix + "transaction", "someone-else");
        await database.HashDeleteAsync(_prefix + "files", "7.mp4");
        Assert.True(await master.Store.CheckAsync(Cancelled) is { State: StoreState.Serving, Restored: not null });
        await AssertNextMasterKnowsAsync(master);
    }

    [Fact]
    public async Task A_change_that_is_committed_but_not_in_memory_yet_is_written_back_too()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await master.CommitAsync(Putting(Movie("a.mp4", 1), Movie("gone.mp4", 2)));
        CatalogChange[] sealing = [Putting(Movie("a.mp4", 10)), Deleting("gone.mp4", 11), Putting(Movie("b.mp4", 12))];
        foreach (var change in sealing) Assert.IsType<CommitOutcome.Committed>(await master.Store.CommitAsync(change, Cancelled));
        await FlushAsync();

        Assert.True(await master.Store.CheckAsync(Cancelled) is { State: StoreState.Serving, Restored: { Entries: 2, Tombstones: 1 } });
        foreach (var change in sealing) master.Take(change);
        await AssertNextMasterKnowsAsync(master);
    }

    [Fact]
    public async Task A_restore_that_was_interrupted_is_known_to_the_next_master_and_to_this_one()
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix, options => options.CommitWait = TimeSpan.FromSeconds(5));
        await FillAsync(master);
        await FlushAsync();
        // The first EXEC sets the marker, the following ones write pages.
        proxy.AtNextExec(() =>
        {
            proxy.AtNextExec(() =>
            {
                proxy.AtNextExec(() =>
                {
                    proxy.Refuse();
                    return Task.FromResult(ExecFate.Cut);
                });
                return Task.FromResult(ExecFate.Forward);
            });
            return Task.FromResult(ExecFate.Forward);
        });
        Assert.Equal(StoreState.Unreachable, (await master.Store.CheckAsync(Cancelled)).State);
        Assert.Empty(master.Restores);

        // What a master would find that starts now: this one is alive, so its mark is only looked at.
        await using (var look = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{server.Port}"))
        {
            Assert.StartsWith("restoring", await look.GetDatabase().StringGetAsync(_prefix + "restoring"), StringComparison.Ordinal);
            Assert.InRange(await look.GetDatabase().HashLengthAsync(_prefix + "files"), 0, 1000);
        }

        var half = await OldState.TakeAsync(server.Port, _prefix);
        await using (var next = await ConnectAsync(server.Port, _prefix))
        {
            await next.Store.TakeEpochAsync(0, Cancelled);
            Assert.True(await next.Store.LoadAsync(Cancelled) is { Empty: false, Incomplete: true });
        }

        await half.PutBackAsync();
        proxy.Accept();
        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("new.mp4", 2000))));
        Assert.Single(master.Restores);
        await AssertNextMasterKnowsAsync(master);
    }

    [Fact]
    public async Task A_rebuilding_that_was_not_over_is_not_over_after_a_restore()
    {
        await using var master = await ConnectAsync(server.Port, _prefix);
        await master.Store.TakeEpochAsync(0, Cancelled);
        Assert.True((await master.Store.LoadAsync(Cancelled)).Incomplete);
        master.Store.Remember(() => new CatalogMemory([Movie("a.mp4", 1)], [], [], ClusterId, new MovieVersion(1), 0));
        await FlushAsync();
        Assert.NotNull((await master.Store.CheckAsync(Cancelled)).Restored);

        await using var next = await StartAsync(server.Port, _prefix);
        Assert.True(next.Loaded is { Incomplete: true, Empty: false, Epoch: 2 });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_redis_that_is_wiped_before_the_catalog_was_loaded_is_taken_over_anew(bool loading)
    {
        await using var master = await ConnectAsync(server.Port, _prefix, options => options.CommitWait = TimeSpan.FromSeconds(5));
        Assert.Equal(new EpochOutcome.Taken(8), await master.Store.TakeEpochAsync(7, Cancelled));
        await FlushAsync();
        // Nothing was done under that epoch, and there is no memory to write back.
        if (loading) await Assert.ThrowsAsync<StoreUnavailableException>(() => master.Store.LoadAsync(Cancelled));
        Assert.Equal(new EpochOutcome.Taken(9), await master.Store.TakeEpochAsync(8, Cancelled));
        Assert.True(await master.Store.LoadAsync(Cancelled) is { Incomplete: true, Empty: true, Epoch: 9 });
    }

    [Fact]
    public async Task An_epoch_that_redis_lost_while_the_master_was_beginning_is_not_taken_for_one_above_what_was_asked_for()
    {
        await using var master = await ConnectAsync(server.Port, _prefix);
        Assert.Equal(new EpochOutcome.Taken(1), await master.Store.TakeEpochAsync(0, Cancelled));
        var old = await OldState.TakeAsync(server.Port, _prefix);
        Assert.Equal(new EpochOutcome.Taken(9), await master.Store.TakeEpochAsync(8, Cancelled));
        await old.PutBackAsync();
        Assert.Equal(new EpochOutcome.Taken(10), await master.Store.TakeEpochAsync(9, Cancelled));
        Assert.True(await master.Store.LoadAsync(Cancelled) is { Incomplete: true, Empty: true, Epoch: 10 });
    }

    [Fact]
    public async Task A_store_without_a_memory_writes_nothing_back_and_says_that_it_cannot_serve()
    {
        await using var master = await ConnectAsync(server.Port, _prefix, options => options.RedisOperationTimeout = TimeSpan.FromMilliseconds(500));
        await master.Store.TakeEpochAsync(0, Cancelled);
        await master.Store.LoadAsync(Cancelled);
        await FlushAsync();
        Assert.Equal(StoreState.Unreachable, (await master.Store.CheckAsync(Cancelled)).State);
        Assert.False(await master.Connection.GetDatabase().KeyExistsAsync(_prefix + "epoch"));
    }

    private static async Task FillAsync(CatalogStoreMaster master)
    {
        await master.CommitAsync(Putting([.. Enumerable.Range(1, 1200).Select(i => Movie($"{i}.mp4", i))]));
        await master.CommitAsync(new CatalogChange { Bury = [Buried("buried.mp4", 1300)], Highest = new MovieVersion(1300) });
        var node = new NodeRecord(NodeId.New(), "cellar", "cellar", "http://cellar:8081", null, null, true, 5);
        master.Nodes[node.Id] = node;
        Assert.IsType<WriteOutcome.Written>(await master.Store.SaveNodeAsync(node, Cancelled));
    }

    private async Task FlushAsync()
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{server.Port},allowAdmin=true");
        await connection.GetDatabase().ExecuteAsync("FLUSHALL");
    }

    private async Task AssertNextMasterKnowsAsync(CatalogStoreMaster master)
    {
        await using var next = await StartAsync(server.Port, _prefix);
        Assert.False(next.Loaded.Incomplete);
        Assert.Equal(Replicas(master), Replicas(next));
        Assert.Equal(master.Tombstones.Values.OrderBy(tombstone => tombstone.Bound), next.Loaded.Tombstones.Values.OrderBy(tombstone => tombstone.Bound));
        Assert.Equal(master.Nodes.Values, next.Loaded.Nodes);
        Assert.Equal(ClusterId, next.Loaded.ClusterId);
        Assert.Equal(master.Highest, next.Loaded.Highest);
        Assert.True(next.Store.Epoch > master.Store.Epoch);

        static IEnumerable<object> Replicas(CatalogStoreMaster of) => of.Entries.Values.Select(entry => entry.Replica).OrderBy(replica => replica.Version);
    }

    /// <summary>All keys of one master as they are now, to be put back by hand.</summary>
    private sealed class OldState
    {
        private static readonly string[] _texts = ["epoch", "reign", "sequence", "transaction", "restoring", "cluster-id", "cluster-age", "highest-version"];
        private static readonly string[] _hashes = ["files", "tombstones", "nodes", "holders"];
        private readonly Dictionary<string, RedisValue> _values = [];
        private readonly Dictionary<string, HashEntry[]> _fields = [];
        private readonly string _server;
        private readonly string _prefix;

        private OldState(int port, string prefix) => (_server, _prefix) = ($"127.0.0.1:{port}", prefix);

        public static async Task<OldState> TakeAsync(int port, string prefix)
        {
            var state = new OldState(port, prefix);
            await using var connection = await ConnectionMultiplexer.ConnectAsync(state._server);
            foreach (var key in _texts) state._values[key] = await connection.GetDatabase().StringGetAsync(prefix + key);
            foreach (var key in _hashes) state._fields[key] = await connection.GetDatabase().HashGetAllAsync(prefix + key);
            return state;
        }

        public async Task PutBackAsync()
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(_server);
            var database = connection.GetDatabase();
            await database.KeyDeleteAsync([.. _texts.Concat(_hashes).Select(key => (RedisKey)(_prefix + key))]);
            foreach (var (key, value) in _values.Where(pair => !pair.Value.IsNull)) await database.StringSetAsync(_prefix + key, value);
            foreach (var (key, fields) in _fields.Where(pair => pair.Value.Length > 0)) await database.HashSetAsync(_prefix + key, fields);
        }
    }
}

public sealed class CatalogStoreReignsOnGarnet(GarnetProcess server) : CatalogStoreReigns(server), IClassFixture<GarnetProcess>;

public sealed class CatalogStoreReignsOnRedis(RedisServerProcess server) : CatalogStoreReigns(server), IClassFixture<RedisServerProcess>;
