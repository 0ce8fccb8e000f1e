using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using static Mdfs.Tests.Cluster.CatalogStoreMaster;

namespace Mdfs.Tests.Cluster;

/// <summary>Transactions that get no answer (design, section 4): the outcome that is told is what stands in Redis, always.</summary>
public abstract class CatalogStoreFaults(RedisProcess server)
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(60);

    private readonly string _prefix = $"{Guid.NewGuid():N}:";

    [Fact]
    public async Task A_transaction_that_never_arrived_is_sent_again()
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix);
        proxy.AtNextExec(ExecFate.Cut);
        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("a.mp4", 1))));
        await AssertAsOutcomesSayAsync(master);
    }

    [Fact]
    public async Task A_transaction_whose_answer_was_lost_is_found_and_not_sent_again()
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix);
        var before = Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("a.mp4", 1)))).Sequence;
        proxy.AtNextExec(ExecFate.CutAnswer);
        Assert.Equal(new CommitOutcome.Committed(before + 1), await master.CommitAsync(Putting(Movie("b.mp4", 2))));
        await AssertAsOutcomesSayAsync(master);
    }

    [Theory]
    [InlineData(ExecFate.Cut, false)]
    [InlineData(ExecFate.CutAnswer, true)]
    public async Task An_outcome_that_is_not_known_in_time_is_told_later_and_truly(ExecFate fate, bool stands)
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix, options => options.CommitWait = TimeSpan.FromSeconds(1));
        proxy.AtNextExec(() =>
        {
            proxy.Refuse();
            return Task.FromResult(fate);
        });
        var change = Putting(Movie("a.mp4", 1));
        var unsettled = Assert.IsType<CommitOutcome.Unsettled>(await master.CommitAsync(change));
        Assert.Equal(StoreState.Unreachable, (await master.Store.CheckAsync(Cancelled)).State);

        // Nothing else is sent meanwhile, and that is certain.
        var execs = proxy.Execs;
        Assert.IsType<CommitOutcome.Unavailable>(await master.CommitAsync(Putting(Movie("b.mp4", 2))));
        Assert.IsType<WriteOutcome.Unavailable>(await master.Store.SaveClusterAgeAsync(10, Cancelled));
        Assert.Equal(execs, proxy.Execs);
        Assert.False(unsettled.Settlement.IsCompleted);

        proxy.Accept();
        var settled = await unsettled.Settlement.WaitAsync(_soon, Cancelled);
        if (stands) Assert.IsType<CommitOutcome.Committed>(settled);
        else Assert.IsType<CommitOutcome.Unavailable>(settled);
        if (stands) master.Take(change);
        await AssertAsOutcomesSayAsync(master);
        Assert.IsType<CommitOutcome.Committed>(await CommitSoonAsync(master, Putting(Movie("c.mp4", 3))));
        await AssertAsOutcomesSayAsync(master);
    }

    [Fact]
    public async Task A_transaction_that_comes_late_out_of_a_socket_finds_its_place_taken()
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix);
        proxy.AtNextExec(ExecFate.Hold);
        var late = Movie("a.mp4", 1);
        var outcome = await master.CommitAsync(Putting(late));
        // The fence won, and the same change was sent once more with a number of its own.
        Assert.IsType<CommitOutcome.Committed>(outcome);
        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Deleting("a.mp4", 2)));

        Assert.True(proxy.Holds);
        Assert.Matches(@"(^|\n)(\*-1|_)\r\n", await proxy.ReleaseAsync(Cancelled)); // null, in either version of the protocol
        Assert.Empty(await VersionsAsync(server.Port, _prefix));
        await AssertAsOutcomesSayAsync(master);
        Assert.Empty(master.Restores);
    }

    [Fact]
    public async Task A_node_saved_late_does_not_undo_a_newer_saving()
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix);
        var node = new NodeRecord(NodeId.New(), "n", "n", "http://n:8081", null, null, Draining: true, 1);
        proxy.AtNextExec(ExecFate.Hold);
        Assert.IsType<WriteOutcome.Unavailable>(await master.Store.SaveNodeAsync(node, Cancelled));
        await Eventually.TrueAsync(async () => await master.Store.SaveNodeAsync(node with { Draining = false }, Cancelled) is WriteOutcome.Written, "the node is saved", _soon, Cancelled);
        await proxy.ReleaseAsync(Cancelled);

        await using var next = await StartAsync(server.Port, _prefix);
        Assert.False(Assert.Single(next.Loaded.Nodes).Draining);
    }

    [Fact]
    public async Task Whichever_wins_the_late_transaction_or_its_fence_the_settlement_tells_the_truth()
    {
        const int rounds = 12;
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix, options => options.CommitWait = TimeSpan.FromMilliseconds(300));
        var random = new Random(20_26);
        var (stood, fenced) = (0, 0);
        for (var round = 1; round <= rounds; round++)
        {
            // Held in one connection while the next one carries the fence; both are let go at about the same time.
            proxy.AtNextExec(() =>
            {
                proxy.Refuse();
                return Task.FromResult(ExecFate.Hold);
            });
            var change = Putting(Movie($"{round}.mp4", round));
            var outcome = await master.CommitAsync(change);
            if (outcome is CommitOutcome.Unavailable)
            {
                // The connection was not back yet from the round before.
                proxy.AtNextExec(ExecFate.Forward);
                await Eventually.TrueAsync(() => master.Connection.IsConnected, "a connection", _soon, Cancelled);
                continue;
            }

            var unsettled = Assert.IsType<CommitOutcome.Unsettled>(outcome);
            await Eventually.TrueAsync(() => proxy.Holds, "a held EXEC", _soon, Cancelled);
            Task released;
            if (random.Next(3) == 0)
            {
                proxy.Accept();
                await unsettled.Settlement.WaitAsync(_soon, Cancelled);
                released = proxy.ReleaseAsync(Cancelled);
            }
            else if (random.Next(2) == 0)
            {
                released = proxy.ReleaseAsync(Cancelled);
                await released;
                proxy.Accept();
            }
            else
            {
                proxy.AtNextExec(async () =>
                {
                    await Task.Yield();
                    return ExecFate.Forward;
                });
                proxy.Accept();
                var fences = proxy.Execs;
                await Eventually.TrueAsync(() => proxy.Execs > fences || unsettled.Settlement.IsCompleted, "a fence", _soon, Cancelled);
                released = proxy.ReleaseAsync(Cancelled);
            }

            var settled = await unsettled.Settlement.WaitAsync(_soon, Cancelled);
            await released;
            if (settled is CommitOutcome.Committed)
            {
                master.Take(change);
                stood++;
            }
            else
            {
                Assert.IsType<CommitOutcome.Unavailable>(settled);
                fenced++;
            }

            await AssertAsOutcomesSayAsync(master);
        }

        TestContext.Current.SendDiagnosticMessage("of {0} rounds {1} transactions stood and {2} were fenced off", rounds, stood, fenced);
        Assert.True(stood > 0 && fenced > 0, $"{stood} stood, {fenced} were fenced off: both had to be seen.");
        Assert.Empty(master.Restores);
    }

    [Fact]
    public async Task A_server_that_freezes_with_the_transaction_in_its_socket_is_settled_when_it_thaws()
    {
        const int rounds = 4;
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix, options =>
        {
            options.CommitWait = TimeSpan.FromMilliseconds(500);
            options.RedisOperationTimeout = TimeSpan.FromMilliseconds(500);
        });
        for (var round = 1; round <= rounds; round++)
        {
            // Every second time the client's connection is lost as well, so that the fence comes through another socket than the late EXEC.
            var fate = round % 2 == 0 ? ExecFate.CutClient : ExecFate.Forward;
            var frozen = false;
            proxy.AtNextExec(() =>
            {
                server.Freeze();
                frozen = true;
                return Task.FromResult(fate);
            });
            var change = Putting(Movie($"{round}.mp4", round));
            var outcome = await master.CommitAsync(change);
            if (frozen)
            {
                // On a busy machine the signal may reach the server after one more answer of it.
                try
                {
                    await Eventually.TrueAsync(
                        async () => (await master.Store.CheckAsync(Cancelled)).State is StoreState.Settling or StoreState.Unreachable, "it is noticed that Redis does not answer", _soon, Cancelled);
                }
                finally
                {
                    server.Thaw();
                }
            }

            if (outcome is CommitOutcome.Unsettled unsettled) outcome = await unsettled.Settlement.WaitAsync(_soon, Cancelled);
            if (outcome is CommitOutcome.Committed) master.Take(change);
            else Assert.IsType<CommitOutcome.Unavailable>(outcome);
            await AssertAsOutcomesSayAsync(master);
            await Eventually.TrueAsync(async () => (await master.Store.CheckAsync(Cancelled)).State == StoreState.Serving, "Redis serves again", _soon, Cancelled);
        }

        Assert.Empty(master.Restores);
    }

    [Fact]
    public async Task A_server_that_was_frozen_before_gets_nothing_and_the_answer_is_certain()
    {
        await using var master = await StartAsync(server.Port, _prefix, options =>
        {
            options.CommitWait = TimeSpan.FromSeconds(1);
            options.RedisOperationTimeout = TimeSpan.FromMilliseconds(500);
        });
        server.Freeze();
        try
        {
            Assert.IsType<CommitOutcome.Unavailable>(await master.CommitAsync(Putting(Movie("a.mp4", 1))));
            Assert.Equal(StoreState.Unreachable, (await master.Store.CheckAsync(Cancelled)).State);
        }
        finally
        {
            server.Thaw();
        }

        Assert.IsType<CommitOutcome.Committed>(await CommitSoonAsync(master, Putting(Movie("b.mp4", 2))));
        await AssertAsOutcomesSayAsync(master);
    }

    [Theory]
    [InlineData(ExecFate.Cut)]
    [InlineData(ExecFate.Forward)]
    public async Task A_server_killed_around_the_transaction_is_settled_when_it_is_back(ExecFate fate)
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix);
        // Garnet takes seconds to come back.
        var rounds = server is GarnetProcess ? 1 : 3;
        for (var round = 1; round <= rounds; round++)
        {
            Task? killed = null;
            proxy.AtNextExec(async () =>
            {
                if (fate == ExecFate.Cut) await (killed = server.KillAsync());
                else killed = Task.Run(server.KillAsync, CancellationToken.None); // while the server works on it
                return fate;
            });
            var committing = master.CommitAsync(Putting(Movie($"{round}.mp4", round)));
            await Eventually.TrueAsync(() => killed is { IsCompleted: true }, "the server is killed", _soon, Cancelled);
            await server.StartAsync();
            Assert.IsType<CommitOutcome.Committed>(await committing);
            await AssertAsOutcomesSayAsync(master);
        }

        Assert.Empty(master.Restores);
    }

    [Fact]
    public async Task While_Redis_is_away_commits_wait_and_then_fail_and_when_it_is_back_they_succeed()
    {
        await using var master = await StartAsync(server.Port, _prefix, options => options.CommitWait = TimeSpan.FromSeconds(1));
        await server.KillAsync();
        await Eventually.TrueAsync(() => !master.Connection.IsConnected, "the loss is noticed", _soon, Cancelled);
        var outcomes = await Task.WhenAll(Enumerable.Range(1, 5).Select(i => master.CommitAsync(Putting(Movie($"{i}.mp4", i)))));
        Assert.All(outcomes, outcome => Assert.IsType<CommitOutcome.Unavailable>(outcome));
        Assert.Equal(StoreState.Unreachable, (await master.Store.CheckAsync(Cancelled)).State);

        await server.StartAsync();
        await Eventually.TrueAsync(async () => (await master.Store.CheckAsync(Cancelled)).State == StoreState.Serving, "Redis serves again", _soon, Cancelled);
        Assert.IsType<CommitOutcome.Committed>(await CommitSoonAsync(master, Putting(Movie("later.mp4", 9))));
        await AssertAsOutcomesSayAsync(master);
        Assert.Empty(master.Restores);
    }

    [Fact]
    public async Task A_commit_that_waits_for_a_Redis_that_blinks_succeeds_by_itself()
    {
        await using var master = await StartAsync(server.Port, _prefix, options => options.CommitWait = TimeSpan.FromSeconds(60));
        await server.KillAsync();
        var committing = master.CommitAsync(Putting(Movie("a.mp4", 1)));
        await server.StartAsync();
        Assert.IsType<CommitOutcome.Committed>(await committing);
        await AssertAsOutcomesSayAsync(master);
    }

    [Fact]
    public async Task A_caller_who_leaves_before_the_sending_leaves_nothing_behind()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        await server.KillAsync();
        await Eventually.TrueAsync(() => !master.Connection.IsConnected, "the loss is noticed", _soon, Cancelled);
        using var leaving = new CancellationTokenSource();
        var (first, queued) = (master.Store.CommitAsync(Putting(Movie("a.mp4", 1)), leaving.Token), master.Store.CommitAsync(Putting(Movie("b.mp4", 2)), leaving.Token));
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queued);
        await server.StartAsync();
        Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie("c.mp4", 3))));
        await AssertAsOutcomesSayAsync(master);
    }

    [Fact]
    public async Task A_caller_who_leaves_after_the_sending_still_learns_how_it_ended()
    {
        await using var proxy = new RedisProxy(server.Port);
        await using var master = await StartAsync(proxy.Port, _prefix);
        using var leaving = new CancellationTokenSource();
        proxy.AtNextExec(async () =>
        {
            await leaving.CancelAsync();
            return ExecFate.CutAnswer;
        });
        var change = Putting(Movie("a.mp4", 1));
        Assert.IsType<CommitOutcome.Committed>(await master.Store.CommitAsync(change, leaving.Token));
        master.Take(change);
        await AssertAsOutcomesSayAsync(master);
    }

    [Fact]
    public async Task A_restart_after_SIGKILL_keeps_every_acknowledged_commit()
    {
        await using var master = await StartAsync(server.Port, _prefix);
        var version = 0;
        for (var life = 0; life < 3; life++)
        {
            var acknowledged = 0;
            var committing = Enumerable.Range(0, 4).Select(async _ =>
            {
                for (var i = 0; i < 40; i++)
                {
                    var number = Interlocked.Increment(ref version);
                    Assert.IsType<CommitOutcome.Committed>(await master.CommitAsync(Putting(Movie($"{number}.mp4", number))));
                    Interlocked.Increment(ref acknowledged);
                }
            }).ToArray();
            await Eventually.TrueAsync(() => Volatile.Read(ref acknowledged) > 20, "some commits", _soon, Cancelled);
            await server.KillAsync();
            await server.StartAsync();
            await Task.WhenAll(committing);
        }

        Assert.Empty(master.Restores);
        Assert.Equal(480, (await VersionsAsync(server.Port, _prefix)).Count);
        await AssertAsOutcomesSayAsync(master);
    }

    private static async Task<CommitOutcome> CommitSoonAsync(CatalogStoreMaster master, CatalogChange change)
    {
        CommitOutcome outcome = new CommitOutcome.Unavailable("not tried");
        await Eventually.TrueAsync(async () => (outcome = await SettledAsync()) is not CommitOutcome.Unavailable, "a commit", _soon, Cancelled);
        return outcome;

        // A server that has just started may take longer for its first answer than is waited for here.
        async Task<CommitOutcome> SettledAsync() => await master.CommitAsync(change) switch
        {
            CommitOutcome.Unsettled unsettled => await unsettled.Settlement.WaitAsync(_soon, Cancelled),
            var settled => settled,
        };
    }

    /// <summary>Memory holds what was told to be committed; Redis must hold just that.</summary>
    private async Task AssertAsOutcomesSayAsync(CatalogStoreMaster master) =>
        Assert.Equal(
            master.Entries.Values.ToDictionary(entry => entry.Name.Value, entry => entry.Version.Number).OrderBy(pair => pair.Value),
            (await VersionsAsync(server.Port, _prefix)).OrderBy(pair => pair.Value));
}

public sealed class CatalogStoreFaultsOnGarnet(GarnetProcess server) : CatalogStoreFaults(server), IClassFixture<GarnetProcess>;

public sealed class CatalogStoreFaultsOnRedis(RedisServerProcess server) : CatalogStoreFaults(server), IClassFixture<RedisServerProcess>;
