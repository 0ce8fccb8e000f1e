using System.Net;
using System.Net.Sockets;
using Mdfs.Garnet;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>The embedded store inside the test's own process.</summary>
public sealed class GarnetStoreTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Two_stores_in_one_process_have_ports_and_data_of_their_own()
    {
        await using var first = Store("first");
        await using var second = Store("second");
        await Task.WhenAll(first.StartAsync(Cancelled), second.StartAsync(Cancelled));
        Assert.NotEqual(first.Port, second.Port);

        await using var toFirst = await ConnectionMultiplexer.ConnectAsync(first.ConnectionString);
        await using var toSecond = await ConnectionMultiplexer.ConnectAsync(second.ConnectionString);
        await toFirst.GetDatabase().StringSetAsync("movie", "first");
        Assert.Equal("first", await toFirst.GetDatabase().StringGetAsync("movie"));
        Assert.True((await toSecond.GetDatabase().StringGetAsync("movie")).IsNull);
    }

    [Fact]
    public async Task Two_stores_never_share_a_directory()
    {
        await using var first = Store("same");
        await first.StartAsync(Cancelled);
        await using var second = Store("same");
        var refused = await Assert.ThrowsAsync<GarnetStoreException>(() => second.StartAsync(Cancelled));
        Assert.Contains(_temp["same"], refused.Message);
    }

    [Fact]
    public async Task A_port_that_another_program_has_is_named_in_the_error()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using var store = Store("data", port);
        var refused = await Assert.ThrowsAsync<GarnetStoreException>(() => store.StartAsync(Cancelled));
        Assert.Contains($"{port}", refused.Message);
    }

    [Fact]
    public async Task A_port_that_another_store_has_is_not_shared_silently()
    {
        await using var first = Store("first");
        await first.StartAsync(Cancelled);
        await using var second = Store("second", first.Port);
        var refused = await Assert.ThrowsAsync<GarnetStoreException>(() => second.StartAsync(Cancelled));
        Assert.Contains($"{first.Port}", refused.Message);
    }

    [Fact]
    public async Task A_start_that_failed_gives_the_directory_back()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        await using (var occupied = Store("data", ((IPEndPoint)other.LocalEndpoint).Port))
            await Assert.ThrowsAsync<GarnetStoreException>(() => occupied.StartAsync(Cancelled));
        await using var store = Store("data");
        await store.StartAsync(Cancelled);
    }

    [Fact]
    public async Task Disposing_twice_is_harmless_and_the_next_store_finds_the_data()
    {
        var first = Store("data");
        await first.StartAsync(Cancelled);
        await using (var connection = await ConnectionMultiplexer.ConnectAsync(first.ConnectionString))
            await connection.GetDatabase().HashSetAsync("files", "a.mp4", "1");
        await Task.WhenAll(first.DisposeAsync().AsTask(), first.DisposeAsync().AsTask());
        await first.DisposeAsync();

        await using var second = Store("data", first.Port);
        await second.StartAsync(Cancelled);
        await using var again = await ConnectionMultiplexer.ConnectAsync(second.ConnectionString);
        Assert.Equal("1", await again.GetDatabase().HashGetAsync("files", "a.mp4"));
    }

    [Fact]
    public async Task Without_the_password_nothing_is_answered()
    {
        await using var store = new GarnetStore(new GarnetStoreOptions { Port = 0, DataDirectory = _temp["data"], Password = "open-sesame" });
        await store.StartAsync(Cancelled);

        await using (var connection = await ConnectionMultiplexer.ConnectAsync(store.ConnectionString))
            Assert.True(await connection.GetDatabase().StringSetAsync("movie", "1"));
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(IPAddress.Loopback, store.Port, Cancelled);
        await stranger.GetStream().WriteAsync("*2\r\n$3\r\nGET\r\n$5\r\nmovie\r\n"u8.ToArray(), Cancelled);
        using var reader = new StreamReader(stranger.GetStream());
        Assert.StartsWith("-NOAUTH", await reader.ReadLineAsync(Cancelled));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private GarnetStore Store(string directory, int port = 0) => new(new GarnetStoreOptions { Port = port, DataDirectory = _temp[directory] });
}
