using System.Net;
using System.Text.RegularExpressions;
using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Gateways;
using Mdfs.Protocol.Versions;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Front ends that send movies themselves: two at once, whose clients can tell neither from the master.</summary>
public sealed partial class FrontEndTests(FrontEndTests.TwoFrontEnds fixture) : IClassFixture<FrontEndTests.TwoFrontEnds>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_overwritten_or_deleted_is_so_at_once_through_every_front_end()
    {
        const string name = "changing.mp4";
        for (var turn = 0; turn < 20; turn++)
        {
            var movie = new MovieBytes((ulong)(100 + turn), 3000 + turn);
            // By turns through each of them: what one has cached must not matter to the other, nor to itself.
            await fixture.Fronts[turn % 2].StoreAsync(name, movie, Cancelled);
            foreach (var front in fixture.Fronts) await front.AssertHoldsAsync(name, movie, Cancelled);
            if (turn % 3 != 2) continue;
            using var deleted = await fixture.Fronts[(turn + 1) % 2].DeleteAsync(name, Cancelled);
            Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
            foreach (var front in fixture.Fronts) Assert.Equal(404, (await RawHttp.SendAsync(new Uri(front.Master, $"play?name={name}"), "", Cancelled)).Status);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("HEAD")]
    [InlineData("Range: bytes=100-299")]
    [InlineData("HEAD\nRange: bytes=100-299")]
    [InlineData("Range: bytes=0-9,20-29,100000-")]
    [InlineData("Range: bytes=9999999-")]
    [InlineData("If-None-Match: *")]
    [InlineData("If-Match: \"1\"")]
    [InlineData("Want-Repr-Digest: sha-256=10")]
    [InlineData("Authorization: Bearer wrong")]
    [InlineData("Origin: https://elsewhere.example")]
    public async Task An_answer_is_the_same_as_the_masters(string request)
    {
        // Twice, so that the second finds what is known already.
        foreach (var path in (string[])[.. TwoFrontEnds.Paths, .. TwoFrontEnds.Paths, "play?name=missing.mp4", "api/files/missing.mp4/content", "play?name=a%2Fb.mp4", "play", "index/a%2Fb.mp4"])
        {
            var master = await RawHttp.SendAsync(new Uri(fixture.Client.Master, path), request, Cancelled);
            var front = await RawHttp.SendAsync(new Uri(fixture.Fronts[0].Master, path), request, Cancelled);
            Assert.Equal(master.Status, front.Status);
            Assert.True(front.Whole);
            Assert.Equal(Shown(master), Shown(front));
        }
    }

    [Fact]
    public async Task A_movies_bytes_do_not_pass_the_master_which_knows_all_the_same_that_it_is_watched()
    {
        var movie = new MovieBytes(5, 24 << 20);
        await fixture.Client.StoreAsync("long.mp4", movie, Cancelled);
        var version = new MovieVersion((await fixture.Client.FactsAsync("long.mp4", Cancelled))!.Version);
        var (master, front) = (fixture.Cluster.Cluster.Master.Services, fixture.Rigs[0].Services);
        var (before, given) = (master.GetRequiredService<StreamMetrics>().BytesGiven, front.GetRequiredService<StreamMetrics>().BytesGiven);

        using (var response = await fixture.Fronts[0].Http.GetAsync("play?name=long.mp4", HttpCompletionOption.ResponseHeadersRead, Cancelled))
        {
            await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
            await body.ReadExactlyAsync(new byte[1 << 20], Cancelled);
            var counted = master.GetRequiredService<StreamCounter>();
            await Eventually.TrueAsync(() => counted.OfVersion(version) == 1, "the master knows that it is watched", MdfsClient.Patience, Cancelled);
            // So do other front ends, as soon as they have something to tell themselves.
            var others = fixture.Rigs[1].Services.GetRequiredService<StreamCounter>();
            var holders = (await fixture.Client.FactsAsync("long.mp4", Cancelled))!.Nodes.Select(node => Protocol.Wire.NodeId.Parse(node.Id)).ToList();
            using var second = await fixture.Fronts[1].Http.GetAsync("play?name=long.mp4", HttpCompletionOption.ResponseHeadersRead, Cancelled);
            await Eventually.TrueAsync(() => counted.OfVersion(version) == 2 && holders.Sum(others.OnNode) == holders.Sum(counted.OnNode), "all count all", MdfsClient.Patience, Cancelled);
            Assert.Equal(movie.Length - (1 << 20), await DrainAsync(body));
        }

        await Eventually.TrueAsync(() => master.GetRequiredService<StreamCounter>().OfVersion(version) == 0, "nobody watches any more", MdfsClient.Patience, Cancelled);
        Assert.Equal(before, master.GetRequiredService<StreamMetrics>().BytesGiven);
        Assert.Equal(given + movie.Length, front.GetRequiredService<StreamMetrics>().BytesGiven);
        Assert.True(await fixture.Fronts[0].MetricAsync("mdfs_download_bytes_total", Cancelled, path: "web/metrics") >= movie.Length);
    }

    [Fact]
    public async Task The_master_hears_of_all_bytes_that_front_ends_give_also_of_the_first()
    {
        await using var fresh = await WebRig.StartFrontEndAsync(fixture.Cluster, Cancelled);
        foreach (var address in (Uri[])[fixture.Rigs[0].Address, fresh.Address]) Assert.Equal(200, (await RawHttp.SendAsync(new Uri(address, TwoFrontEnds.Paths[1]), "", Cancelled)).Status);
        WebRig[] all = [.. fixture.Rigs, fresh];
        var master = fixture.Cluster.Cluster.Master.Services.GetRequiredService<FrontEnds>();
        await Eventually.TrueAsync(() => master.BytesGiven == all.Sum(static rig => rig.Services.GetRequiredService<StreamMetrics>().BytesGiven), "the master has heard of every byte", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task A_front_end_with_another_cluster_key_is_given_the_movie_itself_and_nobodys_grants()
    {
        await using var stranger = await WebRig.StartAsync(fixture.Cluster, Cancelled, ("Mdfs:Gateway:Enabled", "true"));
        var answer = await RawHttp.SendAsync(new Uri(stranger.Address, TwoFrontEnds.Paths[0]), "", Cancelled);
        Assert.Equal((200, TwoFrontEnds.Movie.Hash), (answer.Status, MovieBytes.HashOf(new MemoryStream(answer.Body))));
        Assert.Equal(0, stranger.Services.GetRequiredService<StreamMetrics>().BytesGiven);
        var claimed = await RawHttp.SendAsync(new Uri(fixture.Client.Master, TwoFrontEnds.Paths[0]), "X-Mdfs-Entry: none", Cancelled);
        Assert.Equal((200, TwoFrontEnds.Movie.Hash), (claimed.Status, MovieBytes.HashOf(new MemoryStream(claimed.Body))));
    }

    [Fact]
    public async Task When_the_master_is_away_a_front_end_says_so_as_it_does_without_sending_movies()
    {
        await using var alone = await WebRig.StartFrontEndAsync(fixture.Cluster, Cancelled, ("services:master:http:0", $"http://127.0.0.1:{TestPorts.Next()}"));
        await using var plain = await WebRig.StartAsync(fixture.Cluster, Cancelled, ("services:master:http:0", $"http://127.0.0.1:{TestPorts.Next()}"));
        foreach (var path in TwoFrontEnds.Paths)
        {
            var (one, other) = (await RawHttp.SendAsync(new Uri(alone.Address, path), "", Cancelled), await RawHttp.SendAsync(new Uri(plain.Address, path), "", Cancelled));
            Assert.Equal((503, Shown(other)), (one.Status, Shown(one)));
        }
    }

    private static async Task<long> DrainAsync(Stream body)
    {
        var (buffer, all) = (new byte[1 << 20], 0L);
        for (int read; (read = await body.ReadAsync(buffer, Cancelled)) > 0;) all += read;
        return all;
    }

    /// <summary>All of an answer but what differs from one to the next: its moment, its trace, the boundary between its parts.</summary>
    private static string Shown(RawAnswer answer)
    {
        var headers = answer.Headers.Where(header => header.Key is not ("date" or "connection")).Select(header => $"{header.Key}: {header.Value}").Order(StringComparer.Ordinal);
        var text = Random().Replace($"{string.Join('\n', headers)}\n\n{System.Text.Encoding.Latin1.GetString(answer.Body)}", "");
        var boundary = Boundary().Match(text);
        return boundary.Success ? text.Replace(boundary.Groups[1].Value, "", StringComparison.Ordinal) : text;
    }

    [GeneratedRegex("\"traceId\":\"[^\"]*\"")]
    private static partial Regex Random();

    [GeneratedRegex("boundary=\"?([^\"\n]+)\"?")]
    private static partial Regex Boundary();

    public sealed class TwoFrontEnds : SharedCluster, IAsyncLifetime
    {
        public static readonly MovieBytes Movie = new(3, 200_000);

        public static readonly string[] Paths = ["download?name=same%20%E5%BD%B1.mp4", "play?name=same%20%E5%BD%B1.mp4", "api/files/same%20%E5%BD%B1.mp4/content", "index/same%20%E5%BD%B1.mp4"];

        public IReadOnlyList<WebRig> Rigs { get; private set; } = [];

        public IReadOnlyList<MdfsClient> Fronts { get; private set; } = [];

        async ValueTask IAsyncLifetime.InitializeAsync()
        {
            await InitializeAsync();
            Rigs = [await WebRig.StartFrontEndAsync(Cluster, Cancelled), await WebRig.StartFrontEndAsync(Cluster, Cancelled)];
            Fronts = [.. Rigs.Select(rig => new MdfsClient(rig.Address, TestCluster.AdminKey))];
            await Client.StoreAsync("same 影.mp4", Movie, Cancelled);
            await Conformance.Dates.ComeAsync(Client, "same 影.mp4", Cancelled);
            // Known to all before they are compared.
            await Eventually.TrueAsync(
                async () => (await RawHttp.SendAsync(new Uri(Client.Master, Paths[0]), "Want-Repr-Digest: sha-256=10", Cancelled))["Repr-Digest"] is not null, "the digest", MdfsClient.Patience, Cancelled);
        }

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            foreach (var front in Fronts) front.Dispose();
            foreach (var rig in Rigs) await rig.DisposeAsync();
            await DisposeAsync();
        }
    }
}
