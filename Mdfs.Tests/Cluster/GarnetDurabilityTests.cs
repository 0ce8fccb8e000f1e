using System.Globalization;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>The embedded store as a process of its own that is killed while it is written to (design, section 2.6).</summary>
public sealed partial class GarnetDurabilityTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Acknowledged_transactions_survive_SIGKILL_again_and_again_and_none_is_half_there()
    {
        var acknowledged = 0L;
        for (var life = 0; life < 6; life++)
        {
            await using var store = Start();
            await using var connection = await ConnectAsync(store);
            var database = connection.GetDatabase();
            var sequence = (long)await database.StringGetAsync("sequence");
            Assert.InRange(sequence, acknowledged, acknowledged + 1);
            await AssertWholeAsync(database, sequence);

            acknowledged = await WriteUntilKilledAsync(store, database, sequence, kill: sequence + 60);
        }
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

    /// <summary>One transaction after the other, each conditioned on the sequence it raises; the process is killed with some under way.</summary>
    /// <returns>The highest sequence that was acknowledged.</returns>
    private static async Task<long> WriteUntilKilledAsync(ServiceProcess store, IDatabase database, long sequence, long kill)
    {
        Task? killing = null;
        try
        {
            while (true)
            {
                var next = sequence + 1;
                var transaction = database.CreateTransaction();
                transaction.AddCondition(sequence == 0 ? Condition.KeyNotExists("sequence") : Condition.StringEqual("sequence", sequence));
                _ = transaction.StringSetAsync("sequence", next);
                _ = transaction.HashSetAsync("files", next, $"entry {next}");
                _ = transaction.StringSetAsync($"tombstone:{next}", next);
                Assert.True(await transaction.ExecuteAsync(), $"Transaction {next} was refused.");
                sequence = next;
                if (sequence == kill)
                    killing = Task.Run(store.KillAsync, CancellationToken.None);
            }
        }
        catch (RedisException) when (killing is not null)
        {
            await killing;
            return sequence;
        }
    }

    private static async Task AssertWholeAsync(IDatabase database, long sequence)
    {
        var expected = Enumerable.Range(1, (int)sequence).Select(i => i.ToString(CultureInfo.InvariantCulture)).ToArray();
        var files = await database.HashGetAllAsync("files");
        Assert.Equal(expected.ToHashSet(), files.Select(entry => entry.Name.ToString()).ToHashSet());
        Assert.All(files, entry => Assert.Equal($"entry {entry.Name}", entry.Value));
        var tombstones = await database.StringGetAsync([.. expected.Select(name => (RedisKey)$"tombstone:{name}")]);
        Assert.Equal(expected, tombstones.Select(value => value.ToString()));
        Assert.False(await database.KeyExistsAsync($"tombstone:{sequence + 1}"));
    }

    private bool CheckpointTaken() =>
        Directory.Exists(_temp["data/Store/checkpoints"]) && Directory.EnumerateFiles(_temp["data/Store/checkpoints"], "info*", SearchOption.AllDirectories).Any();

    [GeneratedRegex(@"embedded store listens on (\S+:\d+)")]
    private static partial Regex StoreAddress();

    [GeneratedRegex(@"Now listening on: (http://\S+:\d+)")]
    private static partial Regex HealthAddress();
}
