using System.Net;
using Mdfs.Master.Catalog;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Links straight to a worker (design, sections 5 and 8), from processes of their own: the worker serves without the master.</summary>
public sealed class DirectLinkTests(DirectLinkTests.OneCluster fixture) : IClassFixture<DirectLinkTests.OneCluster>
{
    [Fact]
    public async Task Whoever_asks_is_sent_to_a_worker_and_gets_the_very_bytes_there_with_ranges_and_conditions()
    {
        var movie = new MovieBytes(1, 300_000);
        await Client.StoreAsync("direct.mp4", movie, Cancelled);
        foreach (var (path, disposition) in ((string, string)[])[("play?name=direct.mp4", "inline"), ("download?name=direct.mp4", "attachment"), ("api/files/direct.mp4/content?", "inline"), ("index/direct.mp4?", "inline")])
        {
            var link = await LinkAsync($"{path}&direct=1");
            Assert.Contains(Cluster.Workers, worker => worker.Address.Port == link.Port);
            var whole = await RawHttp.SendAsync(link, "", Cancelled);
            Assert.Equal((200, "video/mp4"), (whole.Status, whole["Content-Type"]));
            Assert.StartsWith(disposition, whole["Content-Disposition"], StringComparison.Ordinal);
            Assert.Equal(movie.ToArray(), whole.Body);
            var through = await RawHttp.SendAsync(new Uri(Client.Master, "play?name=direct.mp4"), "", Cancelled);
            Assert.Equal((through["ETag"], through["Cache-Control"], through["Accept-Ranges"]), (whole["ETag"], whole["Cache-Control"], whole["Accept-Ranges"]));
            var part = await RawHttp.SendAsync(link, $"Range: bytes=100000-100009\nIf-Range: {whole["ETag"]}", Cancelled);
            Assert.Equal((206, "bytes 100000-100009/300000"), (part.Status, part["Content-Range"]));
            Assert.Equal(movie.ToArray()[100_000..100_010], part.Body);
            Assert.Equal(200, (await RawHttp.SendAsync(link, "HEAD", Cancelled)).Status);
            Assert.Equal(304, (await RawHttp.SendAsync(link, $"If-None-Match: {whole["ETag"]}", Cancelled)).Status);
            Assert.Equal(416, (await RawHttp.SendAsync(link, "Range: bytes=300000-", Cancelled)).Status);
        }
    }

    [Fact]
    public async Task Nobody_is_sent_anywhere_unasked_and_what_needs_no_bytes_is_answered_at_once()
    {
        await Client.StoreAsync("unasked.mp4", new MovieBytes(2, 1000), Cancelled);
        Assert.Equal(200, (await AskAsync("play?name=unasked.mp4")).Status);
        Assert.Equal(200, (await AskAsync("play?name=unasked.mp4&direct=0")).Status);
        Assert.Equal(307, (await AskAsync("play?name=unasked.mp4&direct=1")).Status);
        Assert.Equal("no-store", (await AskAsync("play?name=unasked.mp4&direct=1"))["Cache-Control"]);
        Assert.Equal(304, (await AskAsync("play?name=unasked.mp4&direct=1", "If-None-Match: *")).Status);
        Assert.Equal(416, (await AskAsync("play?name=unasked.mp4&direct=1", "Range: bytes=1000-")).Status);
        Assert.Equal(404, (await AskAsync("play?name=nothing%20like%20it.mp4&direct=1")).Status);
    }

    [Fact]
    public async Task Where_all_are_sent_to_workers_nobody_has_to_ask()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1, ("Mdfs:Master:DirectLinks", "true"), ("Mdfs:Worker:PublicUrl", "http://worker.example:8081"));
        await cluster.Client.StoreAsync("sent.mp4", new MovieBytes(9, 1000), Cancelled);
        // Written the plain way, and on connections that go on, as what a loop may answer.
        foreach (var path in (string[])["download?name=sent.mp4", "play?name=sent.mp4", "index/sent.mp4", "api/files/sent.mp4/content"])
        {
            var sent = await RawHttp.SendAsync(new Uri(cluster.Client.Master, path), "Range: bytes=10-", Cancelled, goesOn: true);
            Assert.Equal(307, sent.Status);
            Assert.StartsWith("http://worker.example:8081/direct/", sent["Location"], StringComparison.Ordinal);
        }

        Assert.Equal(200, (await RawHttp.SendAsync(new Uri(cluster.Client.Master, "play?name=sent.mp4&direct=0"), "", Cancelled)).Status);
    }

    [Fact]
    public async Task Whom_a_link_has_let_in_is_sent_to_a_worker_no_longer_than_that_link_lives()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1, ("Mdfs:ReaderKey", "the key of the readers"), ("Mdfs:Worker:PublicUrl", "http://worker.example:8081"));
        await cluster.Client.StoreAsync("short.mp4", new MovieBytes(10, 1000), Cancelled);
        var services = cluster.Cluster.Master.Services;
        var name = FileName.Parse("short.mp4");
        var until = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 60_000;
        var proof = services.GetRequiredService<SignedLinks>().Query(new LinkClaim(LinkServer.Master, name, services.GetRequiredService<FileCatalog>().Find(name)!.Version, Attachment: false, until));
        var sent = await RawHttp.SendAsync(new Uri(cluster.Client.Master, $"play?name=short.mp4&direct=1&{proof}"), "", Cancelled);
        Assert.Equal(307, sent.Status);
        Assert.Equal($"{until}", System.Web.HttpUtility.ParseQueryString(new Uri(sent["Location"]!).Query)["expires"]);
    }

    [Fact]
    public async Task A_link_lives_a_day_at_least()
    {
        await Client.StoreAsync("lasting.mp4", new MovieBytes(3, 1000), Cancelled);
        var query = System.Web.HttpUtility.ParseQueryString((await LinkAsync("play?name=lasting.mp4&direct=1")).Query);
        var life = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(query["expires"]!, System.Globalization.CultureInfo.InvariantCulture)) - TimeProvider.System.GetUtcNow();
        Assert.InRange(life, SignedLinks.MinLife, TimeSpan.FromDays(7));
    }

    [Theory]
    [InlineData("signature")]
    [InlineData("expires")]
    [InlineData("as")]
    [InlineData("version")]
    [InlineData("name")]
    [InlineData("no signature")]
    [InlineData("expired")]
    [InlineData("for the master")]
    [InlineData("another cluster")]
    [InlineData("another method")]
    public async Task A_link_that_was_changed_or_made_for_something_else_opens_nothing(string what)
    {
        var name = $"changed {what}.mp4";
        await Client.StoreAsync(name, new MovieBytes(4, 1000), Cancelled);
        await Client.StoreAsync($"other {name}", new MovieBytes(5, 1000), Cancelled);
        var other = (await Client.FactsAsync($"other {name}", Cancelled))!;
        var link = await LinkAsync($"play?name={Uri.EscapeDataString(name)}&direct=1");
        var facts = (await Client.FactsAsync(name, Cancelled))!;
        var text = link.AbsoluteUri;
        text = what switch
        {
            "signature" => text.Replace("signature=", "signature=A", StringComparison.Ordinal),
            "expires" => text.Replace("expires=1", "expires=2", StringComparison.Ordinal),
            "as" => text.Replace("as=inline", "as=attachment", StringComparison.Ordinal),
            "version" => text.Replace($"{facts.Version}", $"{other.Version}", StringComparison.Ordinal),
            "name" => text.Replace("changed", "other%20changed", StringComparison.Ordinal),
            "no signature" => text[..text.IndexOf("&signature", StringComparison.Ordinal)],
            "expired" => Sign(link, facts, LinkServer.Worker, -60_000),
            "for the master" => Sign(link, facts, LinkServer.Master, 60_000),
            "another cluster" => Sign(link, facts, LinkServer.Worker, 60_000, "the key of another cluster"),
            _ => text,
        };
        var answer = await RawHttp.SendAsync(new Uri(text), what == "another method" ? "DELETE" : "", Cancelled);
        Assert.Equal(what == "another method" ? 405 : 403, answer.Status);
        Assert.Equal(200, (await RawHttp.SendAsync(new Uri(Sign(link, facts, LinkServer.Worker, 60_000)), "", Cancelled)).Status);
    }

    [Fact]
    public async Task A_deleted_movie_is_gone_and_one_that_never_was_here_is_not_found()
    {
        await Client.StoreAsync("gone.mp4", new MovieBytes(6, 1000), Cancelled);
        var link = await LinkAsync("play?name=gone.mp4&direct=1");
        var facts = (await Client.FactsAsync("gone.mp4", Cancelled))!;
        using (await Client.DeleteAsync("gone.mp4", Cancelled))
            Assert.Equal(410, (await RawHttp.SendAsync(link, "", Cancelled)).Status);
        // The name lives again: the link to what it was before stays dead.
        await Client.StoreAsync("gone.mp4", new MovieBytes(7, 1000), Cancelled);
        Assert.Equal(410, (await RawHttp.SendAsync(link, "", Cancelled)).Status);
        Assert.Equal(404, (await RawHttp.SendAsync(new Uri(Sign(link, facts with { Version = facts.Version + 999_000_000 }, LinkServer.Worker, 60_000)), "", Cancelled)).Status);
    }

    [Fact]
    public async Task A_worker_serves_its_links_while_there_is_no_master()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2);
        var movie = new MovieBytes(8, 500_000);
        await cluster.Client.StoreAsync("alone.mp4", movie, Cancelled);
        var asked = await RawHttp.SendAsync(new Uri(cluster.Client.Master, "play?name=alone.mp4&direct=1"), "", Cancelled);
        await cluster.Master.KillAsync();
        var answer = await RawHttp.SendAsync(new Uri(asked["Location"]!), "", Cancelled);
        Assert.Equal(200, answer.Status);
        Assert.Equal(movie.ToArray(), answer.Body);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ProcessCluster Cluster => fixture.Cluster;

    private MdfsClient Client => fixture.Cluster.Client;

    private Task<RawAnswer> AskAsync(string path, string lines = "") => RawHttp.SendAsync(new Uri(Client.Master, path), lines, Cancelled);

    private async Task<Uri> LinkAsync(string path)
    {
        var answer = await AskAsync(path);
        Assert.Equal(307, answer.Status);
        return new Uri(answer["Location"]!);
    }

    private string Sign(Uri link, MovieFacts facts, LinkServer server, long life, string? key = null)
    {
        var links = new SignedLinks(new ClusterKeys(key ?? Cluster.Settings["Mdfs:ClusterKey"]));
        var claim = new LinkClaim(server, FileName.Parse(facts.Name), new MovieVersion(facts.Version), Attachment: false, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + life);
        return new Uri(link, Routes.Worker.LinkPath(claim.Version, claim.Name, claim.Attachment) + links.Query(claim)).AbsoluteUri;
    }

    public sealed class OneCluster : IAsyncLifetime
    {
        public ProcessCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Cluster = await ProcessCluster.StartAsync(TestContext.Current.CancellationToken);
            await Eventually.TrueAsync(
                async () => await Cluster.Client.FactsAsync("no such.mp4", TestContext.Current.CancellationToken) is null, "the catalog is known to be empty", MdfsClient.Patience, TestContext.Current.CancellationToken);
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
