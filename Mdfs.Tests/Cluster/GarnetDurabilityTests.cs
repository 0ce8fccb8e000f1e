using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>The embedded store as a process of its own that is killed while it is written to (design, section 2.6).</summary>
public sealed partial class GarnetDurabilityTests : IDisposable
{
    private const int Writers = 4;
    private const int Pages = 100;

    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    /// <summary>
    /// The transactions are large, so that kills land inside them, and several run at once: Garnet 2.2 then leaves half a transaction in its
    /// log, which the store must not let a later life write behind.
    /// </summary>
    [Fact]
    public async Task Acknowledged_transactions_survive_SIGKILL_again_and_again_and_none_is_half_there()
    {
        var acknowledged = new long[Writers];
        for (var life = 0; life < 8; life++)
        {
            await using var store = Start();
            var kill = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var writers = Enumerable.Range(0, Writers).Select(async writer =>
            {
                await using var connection = await ConnectAsync(store);
                var database = connection.GetDatabase();
                var sequence = (long)await database.StringGetAsync($"sequence:{writer}");
                Assert.InRange(sequence, acknowledged[writer], acknowledged[writer] + 1);
                await AssertWholeAsync(database, writer, sequence);
                acknowledged[writer] = await WriteUntilKilledAsync(database, writer, sequence, kill);
            }).ToArray();
            await Task.WhenAny(kill.Task, Task.WhenAll(writers));
            await store.KillAsync();
            await Task.WhenAll(writers);
        }
        Assert.All(acknowledged, last => Assert.True(last > 100));
    }

    [Fact]
    public async Task A_log_that_is_cut_back_loses_nothing()
    {
        const int values = 400;
        var text = new string('x', 20_000);
        await using (var store = Start(("Mdfs:Garnet:LogSizeLimit", "1048576")))
        {
            await using var connection = await ConnectAsync(store);
            var database = connection.GetDatabase();
            for (var i = 0; i < values; i++)
                await database.HashSetAsync("files", i, $"{i}{text}");
            await Eventually.TrueAsync(CheckpointTaken, "a checkpoint", TimeSpan.FromSeconds(30), Cancelled);
            await database.HashSetAsync("files", "last", "after the checkpoint");
            await store.KillAsync();
        }

        await using var restarted = Start(("Mdfs:Garnet:LogSizeLimit", "1048576"));
        await using var again = await ConnectAsync(restarted);
        var files = await again.GetDatabase().HashGetAllAsync("files");
        Assert.Equal(values + 1, files.Length);
        Assert.All(files.Where(entry => entry.Name != "last"), entry => Assert.Equal($"{entry.Name}{text}", entry.Value));
    }

    [Fact]
    public async Task Its_health_can_be_asked_and_it_stops_cleanly_when_told()
    {
        await using var store = Start();
        var address = (await store.WaitForOutputAsync(HealthAddress(), Cancelled)).Groups[1].Value;
        using var http = new HttpClient();
        Assert.Equal("Healthy", await http.GetStringAsync($"{address}/health", Cancelled));
        Assert.Equal(0, await store.StopAsync(Cancelled));
        Assert.DoesNotContain("fail:", store.Output);
    }

    [Fact]
    public async Task A_wrong_setting_stops_it_at_start_and_is_named()
    {
        await using var store = Start(("Mdfs:Garnet:Bind", "here"));
        Assert.Equal(1, await store.WaitForExitAsync(Cancelled));
        Assert.Contains("Mdfs:Garnet:Bind", store.Output);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ServiceProcess Start(params (string Key, string Value)[] settings) => ServiceProcess.Start("Mdfs.Garnet",
        [new("Mdfs:Garnet:Port", "0"), new("Mdfs:Garnet:DataDirectory", _temp["data"]), .. settings.Select(setting => new KeyValuePair<string, string>(setting.Key, setting.Value))]);

    private static async Task<ConnectionMultiplexer> ConnectAsync(ServiceProcess store)
    {
        var endpoint = (await store.WaitForOutputAsync(StoreAddress(), Cancelled)).Groups[1].Value;
        var options = ConfigurationOptions.Parse(endpoint);
        options.BacklogPolicy = BacklogPolicy.FailFast;
        return await ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>One transaction after the other, each conditioned on the sequence it raises, until the store is gone.</summary>
    /// <returns>The highest sequence that was acknowledged.</returns>
    private static async Task<long> WriteUntilKilledAsync(IDatabase database, int writer, long sequence, TaskCompletionSource kill)
    {
        var enough = sequence + 20;
        try
        {
            while (true)
            {
                var next = sequence + 1;
                var transaction = database.CreateTransaction();
                transaction.AddCondition(sequence == 0 ? Condition.KeyNotExists($"sequence:{writer}") : Condition.StringEqual($"sequence:{writer}", sequence));
                _ = transaction.StringSetAsync($"sequence:{writer}", next);
                _ = transaction.HashSetAsync($"entries:{writer}", next, $"entry {next}");
                for (var page = 0; page < Pages; page++)
                    _ = transaction.HashSetAsync($"pages:{writer}", page, Page(next));
                Assert.True(await transaction.ExecuteAsync(), $"Transaction {next} was refused.");
                sequence = next;
                if (sequence == enough)
                    kill.TrySetResult();
            }
        }
        catch (RedisException) when (kill.Task.IsCompleted)
        {
            return sequence;
        }
    }

    private static async Task AssertWholeAsync(IDatabase database, int writer, long sequence)
    {
        var entries = await database.HashGetAllAsync($"entries:{writer}");
        Assert.Equal(Enumerable.Range(1, (int)sequence).Select(i => $"entry {i}").ToHashSet(), entries.Select(entry => entry.Value.ToString()).ToHashSet());
        var pages = await database.HashGetAllAsync($"pages:{writer}");
        Assert.Equal(sequence == 0 ? 0 : Pages, pages.Length);
        Assert.All(pages, page => Assert.Equal(Page(sequence), page.Value));
    }

    private static string Page(long sequence) => $"{sequence}".PadRight(2000, '.');

    private bool CheckpointTaken() =>
        Directory.Exists(_temp["data/Store/checkpoints"]) && Directory.EnumerateFiles(_temp["data/Store/checkpoints"], "info*", SearchOption.AllDirectories).Any();

    [GeneratedRegex(@"embedded store listens on (\S+:\d+)")]
    private static partial Regex StoreAddress();

    [GeneratedRegex(@"Now listening on: (http://\S+:\d+)")]
    private static partial Regex HealthAddress();
}
