using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>The embedded cluster as the program that people start (design, section 8).</summary>
public sealed partial class StandaloneProgramTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Outside_Development_a_key_is_made_at_the_first_start_shown_once_and_kept_for_its_owner_alone()
    {
        string key;
        await using (var first = Start())
        {
            var shown = await first.WaitForOutputAsync(MadeKey(), Cancelled);
            key = shown.Groups[1].Value;
            await StoreAsync(await AddressAsync(first), key, "kept.mp4");
            var before = first.Output.Length;
            Assert.Equal(0, await first.StopAsync(Cancelled));
            // The master goes first, and no worker complains of that.
            Assert.DoesNotContain("could not be told", first.Output[before..]);
            Assert.DoesNotContain("No master takes", first.Output[before..]);
        }
        Assert.Equal(key, (await File.ReadAllTextAsync(_temp["data/admin.key"], Cancelled)).Trim());
        Assert.True(key.Length >= 20);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp["data/admin.key"]));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp["data/cluster.key"]));
        }

        await using var second = Start();
        var address = await AddressAsync(second);
        await second.WaitForOutputAsync(Banner(), Cancelled);
        Assert.DoesNotContain(key, second.Output);
        using var client = new MdfsClient(address, key);
        await client.WaitForNodesAsync(3, Cancelled);
        await Eventually.TrueAsync(async () => (await client.FactsAsync("kept.mp4", Cancelled))?.Copies == 2, "the movie of the first run", MdfsClient.Patience, Cancelled);
        await client.AssertHoldsAsync("kept.mp4", _movie, Cancelled);
        Assert.Equal(0, await second.StopAsync(Cancelled));
    }

    [Fact]
    public async Task On_an_empty_directory_it_takes_a_movie_the_moment_it_says_that_it_is_up()
    {
        // With the timings of real life: five seconds pass before a cluster whose workers are strangers to one another is named.
        await using var program = Start(("Mdfs:AdminKey", "a key of my own, configured"), ("Mdfs:Worker:HeartbeatInterval", "00:00:05"));
        using var client = new MdfsClient(await AddressAsync(program), "a key of my own, configured");
        Assert.Null(await client.FactsAsync("first.mp4", Cancelled));
        using (var stored = await client.PutAsync("first.mp4", new StreamContent(_movie.Open()), Cancelled)) Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
        await client.AssertHoldsAsync("first.mp4", _movie, Cancelled);
        Assert.Equal(2, (await client.FactsAsync("first.mp4", Cancelled))!.Copies);
    }

    [Fact]
    public async Task In_Development_the_well_known_key_is_in_force_with_a_warning()
    {
        await using var program = Start(("environment", "Development"));
        var address = await AddressAsync(program);
        await program.WaitForOutputAsync(Banner(), Cancelled);
        Assert.Matches("admin888 +WARNING", program.Output);
        await StoreAsync(address, "admin888", "a.mp4");
        Assert.False(File.Exists(_temp["data/admin.key"]));
    }

    [Fact]
    public async Task With_the_well_known_key_it_listens_on_this_machine_only()
    {
        await using var program = Start(("environment", "Development"), ("host", "0.0.0.0"));
        Assert.Equal(2, await program.WaitForExitAsync(Cancelled));
        Assert.Contains("Mdfs:AdminKey", program.Output);
    }

    [Fact]
    public async Task A_key_that_is_configured_wins_and_settings_reach_every_service()
    {
        await using var program = Start(("Mdfs:AdminKey", "a key of my own, configured"), ("Mdfs:Master:ReplicationFactor", "3"));
        var copies = await StoreAsync(await AddressAsync(program), "a key of my own, configured", "three.mp4");
        Assert.Equal(3, copies);
        Assert.DoesNotContain("a key of my own", program.Output);
        Assert.False(File.Exists(_temp["data/admin.key"]));
    }

    [Fact]
    public async Task Keys_that_stand_in_files_are_those_in_force()
    {
        Directory.CreateDirectory(_temp["secrets"]);
        await File.WriteAllTextAsync(_temp["secrets/Mdfs__AdminKey"], "a key that stands in a file\n", Cancelled);
        await File.WriteAllTextAsync(_temp["secrets/Mdfs__ClusterKey"], "a cluster key in a file\n", Cancelled);
        await using var program = Start(("Mdfs:SecretsDirectory", _temp["secrets"]));
        Assert.Equal(2, await StoreAsync(await AddressAsync(program), "a key that stands in a file", "filed.mp4"));
        await program.WaitForOutputAsync(Banner(), Cancelled);
        Assert.DoesNotContain("a key that stands", program.Output);
        Assert.False(File.Exists(_temp["data/admin.key"]));
        Assert.False(File.Exists(_temp["data/cluster.key"]));
    }

    [Fact]
    public async Task A_taken_port_is_named_in_one_line_before_anything_starts()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using var program = Start(("port", port.ToString(CultureInfo.InvariantCulture)));
        Assert.Equal(2, await program.WaitForExitAsync(Cancelled));
        var line = Assert.Single(program.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"Port {port}", line);
        Assert.Contains("--port", line);
        Assert.False(Directory.Exists(_temp["data"]));
    }

    [Fact]
    public async Task A_second_one_on_the_same_data_is_refused()
    {
        await using var first = Start();
        await first.WaitForOutputAsync(Banner(), Cancelled);
        await using var second = Start();
        Assert.Equal(2, await second.WaitForExitAsync(Cancelled));
        Assert.Contains("in use by another cluster", second.Output);
    }

    [Theory]
    [InlineData("wrokers", "2", "--wrokers")]
    [InlineData("workers", "many", "--workers")]
    [InlineData("port", "65536", "--port")]
    [InlineData("Mdfs:Master:ReplicationFactor", "0", "ReplicationFactor")]
    [InlineData("Mdfs:AdminKey", "short", "Mdfs:AdminKey")]
    [InlineData("Mdfs:Worker:PublicUrl", "http://films.example", "Mdfs:Worker:PublicUrl")]
    [InlineData("Mdfs:Worker:AdvertisedUrl", "http://10.0.0.5:8081", "Mdfs:Worker:AdvertisedUrl")]
    [InlineData("Mdfs:Master:RepairDelay", "5min", "Mdfs:Master:RepairDelay")]
    [InlineData("Mdfs:EventLoops", "x", "Mdfs:EventLoops")]
    [InlineData("Mdfs:SocketOutput", "perhaps", "Mdfs:SocketOutput")]
    [InlineData("Mdfs:SecretsDirectory", "/no/such/directory", "Mdfs:SecretsDirectory")]
    [InlineData("Mdfs:Garnet:Port", "abc", "Mdfs:Garnet:Port")]
    [InlineData("redis", "redis,perhaps=1", "ConnectionStrings:redis")]
    public async Task A_wrong_option_or_setting_stops_it_and_is_named(string option, string value, string named)
    {
        await using var program = Start((option, value));
        Assert.Equal(2, await program.WaitForExitAsync(Cancelled));
        Assert.Contains(named, program.Output);
        // Not any stack: one part may notice that another, which it speaks with, is ending already.
        Assert.DoesNotContain("Unhandled exception", program.Output);
        Assert.DoesNotContain("Hosting failed to start", program.Output);
    }

    private static readonly MovieBytes _movie = new(3, 200_000);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ServiceProcess Start(params (string Key, string Value)[] options) => ServiceProcess.Start("Mdfs.Standalone",
    [
        .. new Dictionary<string, string> { ["port"] = "0", ["data"] = _temp["data"], ["Mdfs:Worker:ReservedBytes"] = "1048576", ["Mdfs:Worker:HeartbeatInterval"] = "00:00:00.2" },
        .. options.Select(option => new KeyValuePair<string, string>(option.Key, option.Value)),
    ]);

    private static async Task<Uri> AddressAsync(ServiceProcess program) => new((await program.WaitForOutputAsync(Banner(), Cancelled)).Groups[1].Value.Replace("localhost", "127.0.0.1"));

    private static async Task<int> StoreAsync(Uri address, string key, string name)
    {
        using var client = new MdfsClient(address, key);
        await client.WaitForNodesAsync(3, Cancelled);
        return await client.StoreAsync(name, _movie, Cancelled);
    }

    [GeneratedRegex(@"Browser +(http://\S+)[\s\S]*Ctrl-C stops it")]
    private static partial Regex Banner();

    [GeneratedRegex(@"Admin key (\S+) +\(made now")]
    private static partial Regex MadeKey();
}
