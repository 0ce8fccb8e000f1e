using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>What services do for containers: secrets from files, and a health check that needs no other program in the image.</summary>
public sealed class ContainerModeTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Secrets_come_from_files_and_the_service_asks_itself_how_it_is()
    {
        await using var redis = new GarnetProcess();
        await redis.InitializeAsync();
        Directory.CreateDirectory(_temp["secrets"]);
        File.WriteAllText(_temp["secrets/Mdfs__AdminKey"], "a key that stands in a file\n");
        File.WriteAllText(_temp["secrets/Mdfs__ClusterKey"], "a cluster key in a file\n");
        var port = TestPorts.Next();
        KeyValuePair<string, string>[] settings =
        [
            new("urls", $"http://127.0.0.1:{port}"), new("ConnectionStrings:redis", $"127.0.0.1:{redis.Port}"), new("Mdfs:SecretsDirectory", _temp["secrets"]),
        ];
        Assert.Equal(1, await ProbeAsync("Mdfs.Master", $"http://127.0.0.1:{port}"));
        await using var master = ServiceProcess.Start("Mdfs.Master", settings);
        using var client = new MdfsClient(new Uri($"http://127.0.0.1:{port}"), "a key that stands in a file");
        await Eventually.TrueAsync(() => client.AnswersAsync(Cancelled), $"the master: {master.Output}", MdfsClient.Patience, Cancelled);
        Assert.Equal(0, (await client.AdminAsync("api/cluster", Cancelled)).GetProperty("nodes").GetInt32());
        await Eventually.TrueAsync(async () => await ProbeAsync("Mdfs.Master", $"http://127.0.0.1:{port}") == 0, $"good health: {master.Output}", MdfsClient.Patience, Cancelled);
        Assert.DoesNotContain("a key that stands in a file", master.Output);
    }

    [Theory]
    [InlineData("Mdfs.Master", "Mdfs:SecretsDirectory", "/no/such/directory")]
    [InlineData("Mdfs.Master", "Mdfs:Master:RepairDelay", "5min")]
    [InlineData("Mdfs.Master", "Mdfs:Master:ReplicationFactor", "0")]
    [InlineData("Mdfs.Worker", "Mdfs:Worker:ReservedBytes", "much")]
    [InlineData("Mdfs.Web", "Mdfs:TrustedProxies", "x")]
    [InlineData("Mdfs.Web", "services:master:http:0", "")]
    [InlineData("Mdfs.Web", "Mdfs:Gateway:PauseTimeout", "02:00:00", "StreamOptions.PauseTimeout")]
    [InlineData("Mdfs.Web", "services:master:http:0", "nowhere")]
    [InlineData("Mdfs.Garnet", "Mdfs:Garnet:DataDirectory", "/dev/null/data", "/dev/null/data is in use by another store or cannot be written")]
    [InlineData("Mdfs.Worker", "services:master:http:0", "master:8080")]
    [InlineData("Mdfs.Worker", "Mdfs:Worker:DataDirectory", "/dev/null/data", "'/dev/null/data' cannot be created")]
    [InlineData("Mdfs.Master", "ConnectionStrings:redis", "localhost:abc")]
    [InlineData("Mdfs.Master", "ConnectionStrings:redis", "")]
    public async Task What_only_its_operator_can_mend_stops_the_start_with_a_sentence_and_an_exit_code_of_its_own(string service, string setting, string value, string? said = null)
    {
        await using var process = ServiceProcess.Start(service,
        [
            new("urls", "http://127.0.0.1:0"), new("environment", "Development"), new("Mdfs:Worker:DataDirectory", _temp["data"]), new("ConnectionStrings:redis", "127.0.0.1:1"),
            new("services:master:http:0", "http://127.0.0.1:1"), new(setting, value),
        ]);
        Assert.Equal(2, await process.WaitForExitAsync(Cancelled));
        Assert.Contains(said ?? setting, process.Output);
        Assert.DoesNotContain("Unhandled exception", process.Output);
        Assert.DoesNotContain("Hosting failed to start", process.Output);
    }

    [Fact]
    public async Task A_worker_whose_identity_has_rotted_stops_with_a_sentence_and_that_code_too()
    {
        var data = Directory.CreateDirectory(_temp["rotten"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(data, "node.json"), "rotten", Cancelled);
        await using var process = ServiceProcess.Start("Mdfs.Worker", [new("urls", "http://127.0.0.1:0"), new("environment", "Development"), new("Mdfs:Worker:DataDirectory", data), new("services:master:http:0", "http://127.0.0.1:1")]);
        Assert.Equal(2, await process.WaitForExitAsync(Cancelled));
        Assert.Contains("is damaged", process.Output);
        Assert.DoesNotContain("Unhandled exception", process.Output);
    }

    internal static async Task<int> ProbeAsync(string project, string address)
    {
        var start = new System.Diagnostics.ProcessStartInfo(Executables.Find(project), ["--health", address]) { RedirectStandardOutput = true };
        start.Environment["DOTNET_ROOT"] = Executables.DotnetRoot;
        using var probe = System.Diagnostics.Process.Start(start)!;
        await probe.WaitForExitAsync(Cancelled);
        return probe.ExitCode;
    }
}
