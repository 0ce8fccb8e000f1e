using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Xml.Linq;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>What players are given around the bytes: playlists, the folder, links, and answers for pages of other origins. Here reading needs a key.</summary>
public sealed class PlayerPageTests(PlayerPageTests.KeyedCluster shared) : IClassFixture<PlayerPageTests.KeyedCluster>
{
    private const string ReaderKey = "the reader key of the tests";
    private const string Odd = "<b>&\"Tom's\"<b> 100% #1? 影片.mp4";

    [Fact]
    public async Task A_playlist_opens_its_movies_to_a_player_that_has_no_key()
    {
        var movie = await StoreAsync(Odd, 1);
        var text = await ReadAsync("api/playlist.m3u8");
        var lines = text.Split('\n');
        Assert.Equal("#EXTM3U", lines[0]);
        var title = Array.IndexOf(lines, $"#EXTINF:-1,{Odd}");
        Assert.True(title > 0, text);
        var link = new Uri(lines[title + 1]);
        Assert.Equal(Uri.EscapeDataString(Odd), link.Segments[^1]);
        Assert.Equal(movie, (await RawHttp.SendAsync(link, "", Cancelled)).Body);
        Assert.Equal(206, (await RawHttp.SendAsync(link, "Range: bytes=0-1", Cancelled)).Status);
        Assert.Equal(200, (await RawHttp.SendAsync(link, "HEAD", Cancelled)).Status);
        var bare = new UriBuilder(link) { Query = "" }.Uri;
        Assert.Equal(401, (await RawHttp.SendAsync(bare, "", Cancelled)).Status);
    }

    [Fact]
    public async Task The_same_as_XSPF_whatever_stands_in_the_names()
    {
        var movie = await StoreAsync(Odd, 1);
        await StoreAsync("not in XML \uFFFF.mp4", 2);
        var list = XDocument.Parse(await ReadAsync("api/playlist.xspf"));
        XNamespace xspf = "http://xspf.org/ns/0/";
        Assert.Equal("1", list.Root!.Attribute("version")!.Value);
        var track = Assert.Single(list.Descendants(xspf + "track"), track => track.Element(xspf + "title")!.Value == Odd);
        Assert.Equal(movie, (await RawHttp.SendAsync(new Uri(track.Element(xspf + "location")!.Value), "", Cancelled)).Body);
    }

    [Fact]
    public async Task A_playlist_can_be_of_some_movies_or_of_one()
    {
        await StoreAsync("Picked One.mp4", 3);
        await StoreAsync("picked two.mkv", 4);
        await StoreAsync("Else.mp4", 5);
        Assert.Equal(["Picked One.mp4", "picked two.mkv"], Titles(await ReadAsync("api/playlist.m3u8?query=PICKED")));
        Assert.Equal(["Else.mp4"], Titles(await ReadAsync("api/playlist.m3u8?name=Else.mp4")));
        Assert.Empty(Titles(await ReadAsync("api/playlist.m3u8?query=nothing%20of%20the%20kind")));
        Assert.Equal(404, (await AskAsync("api/playlist.m3u8?name=missing.mp4")).Status);
        Assert.Equal(400, (await AskAsync("api/playlist.xspf?name=..")).Status);
        Assert.Equal("audio/x-mpegurl; charset=utf-8", (await AskAsync("api/playlist.m3u8", "HEAD\n"))["Content-Type"]);

        static IEnumerable<string> Titles(string text) => text.Split('\n').Where(line => line.StartsWith("#EXTINF", StringComparison.Ordinal)).Select(line => line[11..]);
    }

    [Fact]
    public async Task A_copied_link_opens_the_version_it_was_made_for_under_every_address_of_the_movie_and_nothing_else()
    {
        var movie = await StoreAsync("copied.mp4", 6);
        await StoreAsync("else.mp4", 7);
        var links = JsonDocument.Parse(await ReadAsync("api/files/copied.mp4/links")).RootElement;
        Assert.InRange(links.GetProperty("expiresAt").GetDateTimeOffset(), TimeProvider.System.GetUtcNow().AddHours(24), TimeProvider.System.GetUtcNow().AddDays(8));
        foreach (var member in (string[])["play", "download", "file"])
        {
            var answer = await RawHttp.SendAsync(new Uri(links.GetProperty(member).GetString()!), "", Cancelled);
            Assert.Equal(movie, answer.Body);
            Assert.StartsWith(member == "download" ? "attachment" : "inline", answer["Content-Disposition"], StringComparison.Ordinal);
        }

        var proof = new Uri(links.GetProperty("file").GetString()!).Query[1..];
        Assert.Equal(200, await StatusAsync($"api/files/copied.mp4/content?{proof}"));
        foreach (var playlist in (string[])[links.GetProperty("playlist").GetString()!, $"{Client.Master}api/playlist.xspf?name=copied.mp4&{proof}"])
        {
            // What it leads to ends when the link does: else whoever has one would have the next one, and so on.
            var listed = await RawHttp.SendAsync(new Uri(playlist), "", Cancelled);
            Assert.Equal(200, listed.Status);
            Assert.Contains($"index/copied.mp4?{new Uri(playlist).Query[1..].Replace("name=copied.mp4&", "", StringComparison.Ordinal)}", WebUtility.HtmlDecode(System.Text.Encoding.UTF8.GetString(listed.Body)));
        }

        Assert.Equal(403, await StatusAsync($"api/playlist.m3u8?name=else.mp4&{proof}"));
        Assert.Equal(403, await StatusAsync($"api/playlist.m3u8?query=copied&{proof}"));
        Assert.Equal(403, await StatusAsync($"play?name=else.mp4&{proof}"));
        Assert.Equal(403, await StatusAsync($"play?name=copied.mp4&{proof}x"));
        Assert.Equal(403, await StatusAsync($"play?name=copied.mp4&{proof.Replace("expires=1", "expires=2", StringComparison.Ordinal)}"));
        // Only bytes: neither the list, nor facts, nor another link, nor what a reader may have re-read.
        foreach (var path in (string[])["api/files?", "api/files/copied.mp4?", "api/files/copied.mp4/links?", "api/playlist.m3u8?", "index/?", "verify?name=copied.mp4&"])
            Assert.Equal(403, await StatusAsync($"{path}{proof}"));
        Assert.Equal(405, (await RawHttp.SendAsync(new Uri(Client.Master, $"play?name=copied.mp4&{proof}"), "PUT\nContent-Length: 0", Cancelled)).Status);
        Assert.Equal(401, (await RawHttp.SendAsync(new Uri(Client.Master, $"api/files/copied.mp4?{proof}"), "DELETE", Cancelled)).Status);

        await StoreAsync("copied.mp4", 8);
        Assert.Equal(403, await StatusAsync($"play?name=copied.mp4&{proof}"));

        async Task<int> StatusAsync(string path) => (await RawHttp.SendAsync(new Uri(Client.Master, path), "", Cancelled)).Status;
    }

    [Fact]
    public async Task A_link_whose_time_is_over_says_so()
    {
        await StoreAsync("over.mp4", 9);
        var version = new MovieVersion((await FactsAsync("over.mp4"))!.Value.GetProperty("version").GetInt64());
        var past = TimeProvider.System.GetUtcNow().AddSeconds(-1).ToUnixTimeMilliseconds();
        var claim = new LinkClaim(LinkServer.Master, FileName.Parse("over.mp4"), version, Attachment: false, past);
        var proof = new SignedLinks(new ClusterKeys(shared.Cluster.Cluster.Keys.ClusterKey)).Query(claim);
        foreach (var (end, slug) in ((string, string)[])[("", "link-expired"), ("x", "link-wrong")])
        {
            var refused = await RawHttp.SendAsync(new Uri(Client.Master, $"api/files/over.mp4/content?{proof}{end}"), "", Cancelled);
            Assert.Equal(403, refused.Status);
            Assert.Contains($"urn:mdfs:problem:{slug}", System.Text.Encoding.UTF8.GetString(refused.Body));
        }
    }

    [Fact]
    public async Task The_folder_lists_every_movie_as_text_and_links_to_its_bytes()
    {
        var movie = await StoreAsync(Odd, 1);
        var page = await AskAsync("index/");
        var html = System.Text.Encoding.UTF8.GetString(page.Body);
        Assert.Equal((200, "text/html; charset=utf-8", "default-src 'none'"), (page.Status, page["Content-Type"], page["Content-Security-Policy"]));
        Assert.Contains("application/xspf+xml", page["Link"]);
        Assert.DoesNotContain("<b>", html);
        Assert.Contains(WebUtility.HtmlEncode(Odd), html);
        Assert.Contains($"href=\"{Uri.EscapeDataString(Odd)}\"", html);
        Assert.Matches(@"</a> +\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d +\d+\n", html);
        Assert.Equal(movie, (await AskAsync($"index/{Uri.EscapeDataString(Odd)}")).Body);
        Assert.Equal((301, "/index/?query=x"), ((await AskAsync("index?query=x")).Status, (await AskAsync("index?query=x"))["Location"]));
        Assert.Equal(404, (await AskAsync("index/missing.mp4")).Status);
        Assert.Equal(400, (await AskAsync("index/a%2Fb.mp4")).Status);
        Assert.Equal(401, (await RawHttp.SendAsync(new Uri(Client.Master, "index/"), "", Cancelled)).Status);
    }

    [Fact]
    public async Task Who_brings_the_key_in_the_address_gets_links_that_can_be_clicked()
    {
        var movie = await StoreAsync("clicked.mp4", 9);
        var html = System.Text.Encoding.UTF8.GetString((await RawHttp.SendAsync(new Uri(Client.Master, $"index/?secret={Uri.EscapeDataString(ReaderKey)}"), "", Cancelled)).Body);
        var start = html.IndexOf("clicked.mp4?", StringComparison.Ordinal);
        var link = WebUtility.HtmlDecode(html[start..html.IndexOf('"', start)]);
        Assert.Equal(movie, (await RawHttp.SendAsync(new Uri(Client.Master, $"index/{link}"), "", Cancelled)).Body);
        Assert.DoesNotContain(ReaderKey, html);
    }

    [Fact]
    public async Task Lists_say_where_they_go_on()
    {
        await StoreAsync("page 1.mp4", 10);
        await StoreAsync("page 2.mp4", 11);
        var answer = await AskAsync("api/files?query=page&limit=1");
        Assert.Matches("^</api/files\\?[^>]*cursor=[^>]*>; rel=\"next\"$", answer["Link"]);
        var next = await AskAsync(answer["Link"]!.Split('<', '>')[1][1..]);
        Assert.Contains("page 2.mp4", System.Text.Encoding.UTF8.GetString(next.Body));
        Assert.Null(next["Link"]);
    }

    [Fact]
    public async Task Pages_of_an_allowed_origin_may_read_and_see_what_a_player_needs_to_see()
    {
        await StoreAsync("cross.mp4", 12);
        var answer = await AskAsync("play?name=cross.mp4", "Origin: https://player.example\nRange: bytes=0-9\n");
        Assert.Equal((206, "https://player.example"), (answer.Status, answer["Access-Control-Allow-Origin"]));
        foreach (var header in (string[])["ETag", "Content-Range", "Accept-Ranges", "Content-Length", "Upload-Offset", "Location"])
            Assert.Contains(header, answer["Access-Control-Expose-Headers"]!.Split(',').Select(name => name.Trim()));
        Assert.Null(answer["Access-Control-Allow-Credentials"]);
        var preflight = await RawHttp.SendAsync(
            new Uri(Client.Master, "play?name=cross.mp4"), "OPTIONS\nOrigin: https://player.example\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: range, if-range", Cancelled);
        Assert.Equal((204, "https://player.example"), (preflight.Status, preflight["Access-Control-Allow-Origin"]));
        Assert.Contains("range", preflight["Access-Control-Allow-Headers"]!.ToLowerInvariant());
    }

    [Fact]
    public async Task Pages_of_other_origins_may_not_and_none_may_change_anything()
    {
        await StoreAsync("closed.mp4", 13);
        Assert.Null((await AskAsync("play?name=closed.mp4", "Origin: https://elsewhere.example\n"))["Access-Control-Allow-Origin"]);
        var preflight = await RawHttp.SendAsync(
            new Uri(Client.Master, "api/files/closed.mp4"), "OPTIONS\nOrigin: https://player.example\nAccess-Control-Request-Method: DELETE", Cancelled);
        Assert.DoesNotContain("DELETE", preflight["Access-Control-Allow-Methods"] ?? "");
        var deletion = await RawHttp.SendAsync(
            new Uri(Client.Master, "api/files/closed.mp4"), $"DELETE\nOrigin: https://player.example\nAuthorization: Bearer {TestCluster.AdminKey}", Cancelled);
        Assert.Equal(403, deletion.Status);
        Assert.NotNull(await FactsAsync("closed.mp4"));
    }

    [Fact]
    public async Task The_digest_is_told_to_who_wants_it_at_once_when_it_was_checked_at_the_upload_and_soon_when_not()
    {
        var bytes = new MovieBytes(14, 70_000).ToArray();
        var digest = $"sha-256=:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(bytes))}:";
        using (var request = new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath("checked.mp4")) { Content = new ByteArrayContent(bytes) })
        {
            request.Headers.Authorization = Client.Admin;
            request.Headers.Add("Repr-Digest", digest);
            using var stored = await Client.Http.SendAsync(request, Cancelled);
            Assert.True(stored.IsSuccessStatusCode);
        }

        Assert.Equal(digest, (await AskAsync("play?name=checked.mp4", "HEAD\nWant-Repr-Digest: sha-256=10\n"))["Repr-Digest"]);
        var part = await AskAsync("play?name=checked.mp4", "Want-Repr-Digest: sha-512=3, sha-256=10\nRange: bytes=0-9\n");
        Assert.Equal((206, digest), (part.Status, part["Repr-Digest"]));
        Assert.Null((await AskAsync("play?name=checked.mp4"))["Repr-Digest"]);
        Assert.Null((await AskAsync("play?name=checked.mp4", "Want-Repr-Digest: sha-512=10\n"))["Repr-Digest"]);

        await StoreAsync("unchecked.mp4", 14);
        await Eventually.TrueAsync(
            async () => (await AskAsync("play?name=unchecked.mp4", "HEAD\nWant-Repr-Digest: sha-256=10\n"))["Repr-Digest"] is not null, "a digest", MdfsClient.Patience, Cancelled);
        var told = (await AskAsync("play?name=unchecked.mp4", "Want-Repr-Digest: sha-256=10\n"));
        Assert.Equal($"sha-256=:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(told.Body))}:", told["Repr-Digest"]);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Cluster.Client;

    private async Task<byte[]> StoreAsync(string name, ulong seed)
    {
        var movie = new MovieBytes(seed, 70_000);
        Assert.Equal(2, await Client.StoreAsync(name, movie, Cancelled));
        return movie.ToArray();
    }

    private Task<RawAnswer> AskAsync(string path, string lines = "") =>
        RawHttp.SendAsync(new Uri(Client.Master, path), $"{lines}Authorization: Bearer {ReaderKey}", Cancelled);

    private async Task<string> ReadAsync(string path)
    {
        var answer = await AskAsync(path);
        Assert.Equal(200, answer.Status);
        return System.Text.Encoding.UTF8.GetString(answer.Body);
    }

    private async Task<JsonElement?> FactsAsync(string name)
    {
        var answer = await AskAsync($"api/files/{name}");
        return answer.Status == 200 ? JsonDocument.Parse(answer.Body).RootElement : null;
    }

    public sealed class KeyedCluster : IAsyncLifetime
    {
        public TestCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            var cancelled = TestContext.Current.CancellationToken;
            Cluster = await TestCluster.StartAsync(cancelled, settings: [("Mdfs:ReaderKey", ReaderKey), ("Mdfs:Cors:AllowedOrigins", "https://player.example, http://127.0.0.1:1")]);
            await Eventually.TrueAsync(
                async () => (await RawHttp.SendAsync(new Uri(Cluster.Client.Master, "api/files/no%20such.mp4"), $"Authorization: Bearer {ReaderKey}", cancelled)).Status == 404,
                "the catalog is known to be empty", MdfsClient.Patience, cancelled);
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
