using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using CsCheck;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

public sealed class WorkerWindowTests : IDisposable
{
    private const int Block = 65_536;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("2", "true", "00:00:00")]
    [InlineData("2", "true", "01:00:00")]
    [InlineData("0", "true", "00:00:00")]
    [InlineData("0", "true", "01:00:00")]
    [InlineData("0", "false", "01:00:00")]
    public async Task Every_window_of_a_movie_is_exactly_those_bytes(string loops, string socket, string freshness)
    {
        await using var node = await WorkerNode.StartAsync(
            _directory.Path, settings: new() { ["Mdfs:EventLoops"] = loops, ["Mdfs:SocketOutput"] = socket, ["Mdfs:Worker:VerifyFreshness"] = freshness });
        var movie = WorkerNode.Movie((9 * Block) + 123);
        var replica = await node.StoreAsync(movie);
        var edge = Gen.OneOf(Gen.Int[0, movie.Length], Gen.Int[0, 9].Select(Gen.Int[-2, 2], (block, off) => Math.Clamp((block * Block) + off, 0, movie.Length)));
        await Gen.Select(edge, edge).SampleAsync(
            async (a, b) =>
            {
                var (from, to) = (Math.Min(a, b), Math.Max(a, b));
                Assert.Equal(movie[from..to], await node.Master.BytesAsync(replica.Version, from, to - from));
            },
            iter: 200, threads: 1);
        await AssertAnsweredByAsync(node, loops);
    }

    [Fact]
    public async Task Where_TLS_is_spoken_nothing_is_sent_in_the_clear()
    {
        var settings = OwnCertificate.In(_directory.Path);
        settings["urls"] = "http://127.0.0.1:0;https://127.0.0.1:0";
        await using var node = await WorkerNode.StartAsync(Path.Combine(_directory.Path, "data"), settings: settings);
        var movie = WorkerNode.Movie(Block);
        var replica = await node.StoreAsync(movie);
        var addresses = node.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        using var inTheClear = new MasterVoice(Assert.Single(addresses, static address => address.StartsWith("https:", StringComparison.Ordinal)).Replace("https:", "http:", StringComparison.Ordinal), node.Id);
        await Assert.ThrowsAsync<HttpRequestException>(() => inTheClear.BytesAsync(replica.Version, 0, movie.Length));
        Assert.Equal(movie, await node.Master.BytesAsync(replica.Version, 0, movie.Length));
    }

    [Fact]
    public async Task A_new_certificate_for_TLS_disturbs_nobody_on_the_plain_port()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        var (plain, secure) = (TestPorts.Next(), TestPorts.Next());
        var settings = Certificate("first");
        settings["Kestrel:Endpoints:Http:Url"] = $"http://127.0.0.1:{plain}";
        settings["Kestrel:Endpoints:Https:Url"] = $"https://127.0.0.1:{secure}";
        await using var node = await WorkerNode.StartAsync(Path.Combine(_directory.Path, "data"), settings: settings);
        var movie = WorkerNode.Movie(32 << 20);
        var replica = await node.StoreAsync(movie);
        var before = await PresentedAsync(secure);
        // Connections of its own: what anything else was asked over is the server's for good.
        using var player = new MasterVoice(node.Address, node.Id);
        using var begun = await player.WindowAsync(replica.Version, 0, movie.Length);
        Assert.Equal(1, await MetricAsync(node, "mdfs_loop_connections"));

        var configuration = (IConfigurationRoot)node.Services.GetRequiredService<IConfiguration>();
        foreach (var (key, value) in Certificate("second")) configuration[key] = value;
        configuration.Reload();
        await Eventually.TrueAsync(async () => await PresentedAsync(secure) is { } now && now != before, "the new certificate is presented", MdfsClient.Patience, TestContext.Current.CancellationToken);

        Assert.Equal(movie, await begun.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        using var next = new MasterVoice(node.Address, node.Id);
        Assert.Equal(movie[..Block], await next.BytesAsync(replica.Version, 0, Block));
        await Eventually.TrueAsync(async () => await MetricAsync(node, "mdfs_loop_requests_total") == 2, "both were answered by loops", MdfsClient.Patience, TestContext.Current.CancellationToken);
        using var inTheClear = new MasterVoice($"http://127.0.0.1:{secure}", node.Id);
        await Assert.ThrowsAsync<HttpRequestException>(() => inTheClear.BytesAsync(replica.Version, 0, Block));

        // The ports change places, in what the server calls one step: what spoke plainly a moment ago speaks TLS.
        configuration["Kestrel:Endpoints:Http:Url"] = $"http://127.0.0.1:{secure}";
        configuration["Kestrel:Endpoints:Https:Url"] = $"https://127.0.0.1:{plain}";
        configuration.Reload();
        await Eventually.TrueAsync(async () => await PresentedAsync(plain) is not null, "TLS is spoken on the other port", MdfsClient.Patience, TestContext.Current.CancellationToken);
        using var late = new MasterVoice($"http://127.0.0.1:{plain}", node.Id);
        await Assert.ThrowsAsync<HttpRequestException>(() => late.BytesAsync(replica.Version, 0, Block));
    }

    [Theory]
    [InlineData("2")]
    [InlineData("0")]
    public async Task A_token_that_cannot_be_read_opens_no_window_and_is_told_so(string loops)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:EventLoops"] = loops });
        var replica = await node.StoreAsync(WorkerNode.Movie(Block));
        var request = new HttpRequestMessage(HttpMethod.Get, Routes.Worker.WindowPath(replica.Version, 0, Block));
        request.Headers.Add(NodeTokens.Header, "1.2.x.y.1.1..@@@@");
        using var stranger = new MasterVoice(node.Address, node.Id);
        using var refused = await stranger.SendAsync(request);
        Assert.Equal("The token cannot be read.", (await MasterVoice.RefusalAsync(refused, HttpStatusCode.Unauthorized)).Message);
    }

    [Theory]
    [InlineData("00:00:00", 1)]
    [InlineData("01:00:00", 12)]
    public async Task What_is_not_in_memory_is_fetched_while_others_are_served(string freshness, int rounds)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The page cache of one file is emptied by a program of Linux.");
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:Worker:VerifyFreshness"] = freshness });
        var movie = WorkerNode.Movie((70 * Block) + 123);
        var replica = await node.StoreAsync(movie);
        // What is fetched brings what follows it into memory, which is then sent unread where that is allowed: after what was fetched, and not in its place.
        for (var round = 0; round < rounds; round++)
        {
            foreach (var file in (string[])[node.ReplicaPath(replica.Version), node.ReplicaPath(replica.Version) + ".blocks"])
            {
                using var evict = System.Diagnostics.Process.Start("dd", ["status=none", $"if={file}", "iflag=nocache", "count=0"]);
                await evict.WaitForExitAsync(TestContext.Current.CancellationToken);
                Assert.Equal(0, evict.ExitCode);
            }

            var readings = Enumerable.Range(0, 8).Select(async number =>
            {
                var (from, to) = (number * (round + 1) * 1000, movie.Length - (round * number * Block / 2));
                Assert.Equal(movie[from..to], await node.Master.BytesAsync(replica.Version, from, to - from));
            });
            await Task.WhenAll(readings);
        }
    }

    [Theory]
    [InlineData("2", "00:00:00", false)]
    [InlineData("2", "01:00:00", true)]
    [InlineData("0", "00:00:00", false)]
    [InlineData("0", "01:00:00", true)]
    public async Task Only_where_the_operator_says_so_a_block_that_was_checked_a_moment_ago_is_not_looked_at_again(string loops, string freshness, bool unseen)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:EventLoops"] = loops, ["Mdfs:Worker:VerifyFreshness"] = freshness });
        var movie = WorkerNode.Movie(20 * Block);
        var replica = await node.StoreAsync(movie);
        Assert.Equal(movie, await node.Master.BytesAsync(replica.Version, 0, movie.Length));
        BitRot.Flip(node.ReplicaPath(replica.Version), (15 * Block) + 77);
        movie[(15 * Block) + 77] ^= 0x10;

        if (unseen)
        {
            Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere every block is read, and what is read is checked.");
            Assert.Equal(movie, await node.Master.BytesAsync(replica.Version, 0, movie.Length));
        }

        await AssertAnsweredByAsync(node, loops);
        // What a reading begins with is looked at in any case.
        using var refused = await node.Master.WindowAsync(replica.Version, 15 * Block, 10);
        Assert.Equal(NodeRefusal.Damaged, (await MasterVoice.RefusalAsync(refused, HttpStatusCode.Conflict)).Code);
        using var cut = await node.Master.WindowAsync(replica.Version, 0, movie.Length);
        await Assert.ThrowsAnyAsync<Exception>(async () => await cut.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 1001)]
    [InlineData(1000, 1)]
    [InlineData(1, long.MaxValue)]
    public async Task A_window_beyond_the_movie_is_refused(long from, long length)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = await node.StoreAsync(WorkerNode.Movie(1000));
        using var response = await node.Master.WindowAsync(replica.Version, from, length);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_flipped_bit_is_never_sent_reported_and_remembered()
    {
        var movie = WorkerNode.Movie(20 * Block);
        ReplicaDescription replica;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            replica = await node.StoreAsync(movie);
            BitRot.Flip(node.ReplicaPath(replica.Version), (10 * Block) + 77);

            using (var refused = await node.Master.WindowAsync(replica.Version, (10 * Block) + 5000, 10))
                Assert.Equal(NodeRefusal.Damaged, (await MasterVoice.RefusalAsync(refused, HttpStatusCode.Conflict)).Code);
            using (var cut = await node.Master.WindowAsync(replica.Version, 0, movie.Length))
            {
                var got = new MemoryStream();
                await Assert.ThrowsAnyAsync<Exception>(async () => await (await cut.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)).CopyToAsync(got, TestContext.Current.CancellationToken));
                Assert.InRange(got.Length, 0, 10 * Block);
                Assert.Equal(movie[..(int)got.Length], got.ToArray());
            }

            Assert.Equal(movie[..(10 * Block)], await node.Master.BytesAsync(replica.Version, 0, 10 * Block));
            Assert.Equal(movie[(11 * Block)..], await node.Master.BytesAsync(replica.Version, 11 * Block, 9 * Block));
            Assert.True(IsDamaged(node, replica));
        }

        await using var again = await WorkerNode.StartAsync(_directory.Path);
        Assert.True(IsDamaged(again, replica));
        var result = await again.Master.VerifyAsync(replica.Version);
        Assert.Equal((false, 1), (result.Valid, result.DamagedBlocks));
    }

    [Fact]
    public async Task A_bad_block_is_written_down_while_others_are_served()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Loops are made of what Linux has.");
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:EventLoops"] = "1" });
        var movie = WorkerNode.Movie(3 * Block);
        var (bad, good) = (await node.StoreAsync(movie, "bad.mp4"), await node.StoreAsync(movie, "good.mp4"));
        BitRot.Flip(node.ReplicaPath(bad.Version), 77);
        var note = StalledFile.Make(node.ReplicaPath(bad.Version) + ".damaged.tmp", _directory["pipe"]);
        using var first = new MasterVoice(node.Address, node.Id);
        var refused = first.WindowAsync(bad.Version, 0, movie.Length);
        try
        {
            await Eventually.TrueAsync(() => IsDamaged(node, bad), "the bad block is met", MdfsClient.Patience, TestContext.Current.CancellationToken);
            // Connections of its own: what anything else was asked over is the server's for good.
            using var second = new MasterVoice(node.Address, node.Id);
            Assert.Equal(movie, await second.BytesAsync(good.Version, 0, movie.Length).WaitAsync(MdfsClient.Patience, TestContext.Current.CancellationToken));
            Assert.False(refused.IsCompleted, "It was refused before it was written down why.");
        }
        finally
        {
            using var other = note.LetGo();
            using var answer = await refused;
            Assert.Equal(NodeRefusal.Damaged, (await MasterVoice.RefusalAsync(answer, HttpStatusCode.Conflict)).Code);
        }

        // That of the good one; the bad one was the server's to refuse.
        await Eventually.TrueAsync(async () => await MetricAsync(node, "mdfs_loop_requests_total") == 1, "one was answered by the loop", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_truncated_file_is_damaged_and_its_good_blocks_are_served()
    {
        var movie = WorkerNode.Movie((3 * Block) + 500);
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = await node.StoreAsync(movie);
        using (var file = new FileStream(node.ReplicaPath(replica.Version), FileMode.Open)) file.SetLength((2 * Block) + 100);
        var result = await node.Master.VerifyAsync(replica.Version);
        Assert.Equal((false, 2), (result.Valid, result.DamagedBlocks));
        Assert.Equal(movie[..(2 * Block)], await node.Master.BytesAsync(replica.Version, 0, 2 * Block));
        using var refused = await node.Master.WindowAsync(replica.Version, 2 * Block, 1);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("missing")]
    [InlineData("short")]
    public async Task Bad_block_checksums_do_not_condemn_good_bytes(string how)
    {
        var movie = WorkerNode.Movie(5 * Block);
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        // Or its first round may meet them before anybody asks, and mend them.
        await Eventually.TrueAsync(() => node.Services.GetRequiredService<Scrubber>().Report() is { State: ScrubState.Resting, Cycle: 1 }, "the first round of the scrub is over", MdfsClient.Patience, TestContext.Current.CancellationToken);
        var replica = await node.StoreAsync(movie);
        var sidecar = node.ReplicaPath(replica.Version) + ".blocks";
        if (how == "flipped") BitRot.Flip(sidecar, 4096 + 5);
        else if (how == "missing") File.Delete(sidecar);
        else File.WriteAllBytes(sidecar, File.ReadAllBytes(sidecar)[..4096]);

        using (var refused = await node.Master.WindowAsync(replica.Version, 0, movie.Length)) Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        await Eventually.TrueAsync(async () =>
        {
            using var response = await node.Master.WindowAsync(replica.Version, 0, movie.Length);
            return response.StatusCode == HttpStatusCode.OK && Enumerable.SequenceEqual(movie, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }, "the sidecar is rebuilt from the bytes", MdfsClient.Patience, TestContext.Current.CancellationToken);
        Assert.False(IsDamaged(node, replica));
    }

    [Fact]
    public async Task A_damaged_description_is_mended_from_its_copy_at_start()
    {
        var movie = WorkerNode.Movie(1000);
        ReplicaDescription replica;
        string sidecar;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            replica = await node.StoreAsync(movie, "ü.mp4");
            sidecar = node.ReplicaPath(replica.Version) + ".checksum";
        }

        var before = await File.ReadAllBytesAsync(sidecar, TestContext.Current.CancellationToken);
        BitRot.Flip(sidecar, 25);
        await using var again = await WorkerNode.StartAsync(_directory.Path);
        Assert.Equal(movie, await again.Master.BytesAsync(replica.Version, 0, 1000));
        Assert.Equal(before, await File.ReadAllBytesAsync(sidecar, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Bytes_that_nothing_describes_go_to_quarantine_with_a_reason()
    {
        ReplicaDescription replica;
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            replica = await node.StoreAsync(WorkerNode.Movie(1000));
            File.Delete(node.ReplicaPath(replica.Version) + ".checksum");
            BitRot.Flip(node.ReplicaPath(replica.Version) + ".blocks", 40);
        }

        await using var again = await WorkerNode.StartAsync(_directory.Path);
        using (var response = await again.Master.WindowAsync(replica.Version, 0, 1)) Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        var aside = Assert.Single(Directory.GetDirectories(_directory["quarantine"]));
        Assert.True(File.Exists(Path.Combine(aside, "reason.txt")));
        Assert.Equal(1000, new FileInfo(Path.Combine(aside, replica.Version.ToString())).Length);
    }

    [Fact]
    public async Task Six_damaged_replicas_within_an_hour_close_the_node_for_uploads()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        for (var i = 0; i < 6; i++)
        {
            using (var open = await node.Master.OpenAsync(UploadId.New(), 1)) Assert.Equal(HttpStatusCode.NoContent, open.StatusCode);
            var replica = await node.StoreAsync(WorkerNode.Movie(1000, i), $"{i}.mp4");
            BitRot.Flip(node.ReplicaPath(replica.Version), 3);
            await node.Master.VerifyAsync(replica.Version);
        }

        using var refused = await node.Master.OpenAsync(UploadId.New(), 1);
        Assert.Equal(NodeRefusal.Closed, (await MasterVoice.RefusalAsync(refused, HttpStatusCode.ServiceUnavailable)).Code);
    }

    private Dictionary<string, string?> Certificate(string name) => OwnCertificate.In(Directory.CreateDirectory(_directory[name]).FullName)
        .ToDictionary(static setting => setting.Key.Replace("Certificates:Default", "Endpoints:Https:Certificate", StringComparison.Ordinal), static setting => setting.Value);

    // The thumbprint of the certificate with which somebody speaks TLS there; null when nobody does.
    private static async Task<string?> PresentedAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
            await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, static (_, _, _, _) => true);
            await tls.AuthenticateAsClientAsync("localhost");
            return tls.RemoteCertificate!.GetCertHashString();
        }
        catch (Exception error) when (error is SocketException or IOException or AuthenticationException)
        {
            return null;
        }
    }

    // Whether it was the loops, where there are any.
    private static async Task AssertAnsweredByAsync(WorkerNode node, string loops)
    {
        if (loops == "0" || !OperatingSystem.IsLinux()) Assert.False(await MetricAsync(node, "mdfs_loop_requests_total") > 0);
        else await Eventually.TrueAsync(async () => await MetricAsync(node, "mdfs_loop_requests_total") > 0, "loops have answered", MdfsClient.Patience, TestContext.Current.CancellationToken);
    }

    private static async Task<double> MetricAsync(WorkerNode node, string name)
    {
        using var http = new HttpClient { BaseAddress = new Uri(node.Address) };
        var lines = (await http.GetStringAsync("metrics", TestContext.Current.CancellationToken)).Split('\n');
        return lines.FirstOrDefault(line => line.StartsWith($"{name} ", StringComparison.Ordinal)) is { } line ? double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture) : double.NaN;
    }

    private static bool IsDamaged(WorkerNode node, ReplicaDescription replica) =>
        node.Services.GetRequiredService<Inventory>().TryGet(replica.Version, out var held) && held.Report.Damaged;
}
