using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>The embedded store as a process of its own that is killed while it is written to (design, section 2.6).</summary>
public sealed partial class GarnetDurabilityTests : IDisposable
{
    private const int Writers = 3;
    private const int Pages = 100;
    private const int Fields = 400;

    private static readonly (string, string) _smallLog = ("Mdfs:Garnet:LogSizeLimit", "1048576");

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
        for (var life = 0; life < 6; life++)
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
        Assert.All(acknowledged, last => Assert.True(last >= 6));
    }

    [Fact]
    public async Task A_transaction_of_which_only_the_beginning_reached_the_log_is_dropped_and_what_follows_is_kept()
    {
        await using (var store = Start())
        {
            await using var connection = await ConnectAsync(store);
            var transaction = connection.GetDatabase().CreateTransaction();
            for (var field = 0; field < 40_000; field++)
                _ = transaction.HashSetAsync("half", field, Page(field));
            var execution = transaction.ExecuteAsync();
            await Eventually.TrueAsync(() => LogSize(1) > 1 << 20, "the first megabyte of the transaction in the log", MdfsClient.Patience, Cancelled);
            await store.KillAsync();
            await Assert.ThrowsAnyAsync<Exception>(() => execution);
        }

        // Three more lives, because what is written behind a half is lost at the recovery after the next.
        for (var life = 0; life < 3; life++)
        {
            await using var store = Start();
            await using var connection = await ConnectAsync(store);
            var database = connection.GetDatabase();
            Assert.False(await database.KeyExistsAsync("half"));
            Assert.Equal(life, await database.HashLengthAsync("lives"));
            var transaction = database.CreateTransaction();
            _ = transaction.HashSetAsync("lives", life, "1");
            Assert.True(await transaction.ExecuteAsync());
            await store.KillAsync();
        }
    }

    [Fact]
    public async Task A_log_that_has_grown_is_written_anew_at_the_next_start_and_nothing_is_lost()
    {
        await FillAsync();
        var grown = LogSize(1);

        await using var restarted = Start(_smallLog);
        await using var connection = await ConnectAsync(restarted);
        await AssertFilledAsync(connection.GetDatabase());
        Assert.False(Directory.Exists(_temp["data/log-1"]));
        Assert.InRange(LogSize(2), 1, grown / 2);
    }

    [Fact]
    public async Task A_store_killed_while_it_writes_its_log_anew_begins_again_with_the_old_one()
    {
        await FillAsync();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            await using var interrupted = Start(_smallLog);
            await Eventually.TrueAsync(() => File.Exists(_temp["data/log-2/AOF/aof.log.0"]), "a second log", MdfsClient.Patience, Cancelled);
            await interrupted.KillAsync();
        }

        await using var restarted = Start(_smallLog);
        await using var connection = await ConnectAsync(restarted);
        await AssertFilledAsync(connection.GetDatabase());
    }

    [Fact]
    public async Task A_disk_with_large_sectors_is_written_killed_and_read_back()
    {
        using var disk = await LoopDisk.TryMakeAsync("xfs", sector: 4096);
        var where = ("Mdfs:Garnet:DataDirectory", Path.Combine(disk.Path, "data"));
        for (var life = 0; life < 3; life++)
        {
            await using var store = Start(where, _smallLog);
            await using var connection = await ConnectAsync(store);
            var database = connection.GetDatabase();
            Assert.Equal(life == 0 ? RedisValue.Null : life, await database.StringGetAsync("life"));
            await database.StringSetAsync("life", life + 1);
            // Beyond the limit, so that the next start also writes the log anew.
            for (var page = 0; page < Pages; page++) await database.HashSetAsync("pages", page, new string('x', 20_000));
            await store.KillAsync();
        }
    }

    [Fact]
    public async Task Its_health_can_be_asked_and_it_stops_cleanly_when_told()
    {
        await using var store = Start();
        var address = (await store.WaitForOutputAsync(HealthAddress(), Cancelled)).Groups[1].Value;
        using var http = new HttpClient();
        Assert.Equal("Healthy", await http.GetStringAsync($"{address}/health", Cancelled));
        Assert.Equal(0, await ContainerModeTests.ProbeAsync("Mdfs.Garnet", address));
        Assert.Equal(0, await store.StopAsync(Cancelled));
        Assert.DoesNotContain("fail:", store.Output);
    }

    [Theory]
    [InlineData("Mdfs:Garnet:Bind", "here")]
    [InlineData("Mdfs:Garnet:Port", "abc")]
    [InlineData("Mdfs:SecretsDirectory", "/no/such/directory")]
    public async Task A_wrong_setting_stops_it_at_start_and_is_named(string setting, string value)
    {
        await using var store = Start((setting, value));
        Assert.Equal(2, await store.WaitForExitAsync(Cancelled));
        Assert.Contains(setting, store.Output);
        Assert.DoesNotContain("   at ", store.Output);
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public async Task Other_machines_are_not_let_in_without_a_password(string bind)
    {
        await using var store = Start(("Mdfs:Garnet:Bind", bind));
        Assert.Equal(2, await store.WaitForExitAsync(Cancelled));
        Assert.Contains("Mdfs:Garnet:Password", store.Output);
    }

    [Fact]
    public async Task Other_machines_are_let_in_with_the_password_that_stands_in_a_file()
    {
        Directory.CreateDirectory(_temp["secrets"]);
        File.WriteAllText(_temp["secrets/Mdfs__Garnet__Password"], "a-password-in-a-file\n");
        await using var store = Start(("Mdfs:Garnet:Bind", "0.0.0.0"), ("Mdfs:SecretsDirectory", _temp["secrets"]));
        var port = (await store.WaitForOutputAsync(AnyPort(), Cancelled)).Groups[1].Value;
        await using var connection = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port},password=a-password-in-a-file");
        await connection.GetDatabase().StringSetAsync("let", "in");
        await Assert.ThrowsAsync<RedisConnectionException>(() => ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port},connectRetry=0,connectTimeout=1000"));
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
        var enough = sequence + 15;
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

    /// <summary>Writes 8 MiB of fields three times over, and one of everything else that Redis knows; then the store is killed.</summary>
    private async Task FillAsync()
    {
        await using var store = Start(_smallLog);
        await using var connection = await ConnectAsync(store);
        var database = connection.GetDatabase();
        for (var round = 0; round < 3; round++)
            await Task.WhenAll(Enumerable.Range(0, Fields).Select(field => database.HashSetAsync("files", field, Text(field, round))));
        await database.StringSetAsync("string", "text", TimeSpan.FromHours(1));
        await database.ListRightPushAsync("list", ["a", "b", "a"]);
        await database.SetAddAsync("set", ["a", "b"]);
        await database.SortedSetAddAsync("sorted", [new("a", 2), new("b", 1.5)]);
        await database.StringSetAsync("deleted", "text");
        await database.KeyDeleteAsync("deleted");
        await store.KillAsync();
    }

    private static async Task AssertFilledAsync(IDatabase database)
    {
        var files = await database.HashGetAllAsync("files");
        Assert.Equal(Fields, files.Length);
        Assert.All(files, entry => Assert.Equal(Text((int)entry.Name, 2), entry.Value));
        Assert.Equal("text", await database.StringGetAsync("string"));
        Assert.InRange(await database.KeyTimeToLiveAsync("string") ?? default, TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        Assert.Equal(["a", "b", "a"], (await database.ListRangeAsync("list")).Select(value => value.ToString()));
        Assert.Equal(["a", "b"], (await database.SetMembersAsync("set")).Select(value => value.ToString()).Order());
        Assert.Equal([new("b", 1.5), new("a", 2)], await database.SortedSetRangeByRankWithScoresAsync("sorted"));
        Assert.False(await database.KeyExistsAsync("deleted"));
    }

    private static string Text(int field, int round) => $"{field} {round}".PadRight(20_000, '.');

    private long LogSize(int number) => Directory.EnumerateFiles(_temp[$"data/log-{number}/AOF"], "aof.log.*").Sum(path => new FileInfo(path).Length);

    [GeneratedRegex(@"embedded store listens on (\S+:\d+)")]
    private static partial Regex StoreAddress();

    [GeneratedRegex(@"Now listening on: (http://\S+:\d+)")]
    private static partial Regex HealthAddress();

    [GeneratedRegex(@"listens on 0\.0\.0\.0:(\d+)")]
    private static partial Regex AnyPort();
}
