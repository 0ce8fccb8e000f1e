using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>
/// Names are data: never a path, never HTML, never raw in a header (design, sections 1 and 8; the seventh defect of the original). Every odd name goes through every
/// route, every hostile one is refused by every route, and nothing comes to lie where it should not.
/// </summary>
public sealed partial class NameTests(NameTests.Fixture shared) : IClassFixture<NameTests.Fixture>
{
    private static readonly byte[] _bytes = new MovieBytes(1, 3_000).ToArray();

    public static TheoryData<string> Odd =>
    [
        "映画 七人の侍.mp4",
        "🎬🍿 — Ünïcödé.mkv",
        "it's \"quoted\".mp4",
        "a%2Fb.mp4",
        "a%252Fb.mp4",
        "100%.mp4",
        "%00%0d%0a.mp4",
        "a+b&c=d;e#f?g,h.mp4",
        "<img src=x onerror=alert(1)>.mp4",
        "<script>alert(1).mp4",
        "..mp4",
        "-rf $(reboot) `id`; | > *.mp4",
        "{name}:~@[]!.mp4",
        "\u202Egpj.mp4",
        "Cafe\u0301.mp4",
        new string('x', 251) + ".mp4",
        string.Concat(Enumerable.Repeat("映", 83)) + "ab.mp4",
    ];

    public static TheoryData<string> Hostile =>
    [
        "",
        ".",
        "..",
        "../../x.mp4",
        "..\\..\\x.mp4",
        "/etc/mdfs.mp4",
        "a/b.mp4",
        "a\\b.mp4",
        "C:\\Windows\\x.mp4",
        "a\rb.mp4",
        "a\nb.mp4",
        "a\r\nX-Injected: 1\r\n.mp4",
        "a\0b.mp4",
        "a\u001Bb.mp4",
        "a\u2028b.mp4",
        " a.mp4",
        "a.mp4 ",
        new string('x', 252) + ".mp4",
        string.Concat(Enumerable.Repeat("映", 84)) + ".mp4",
    ];

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task An_odd_name_goes_through_every_route_and_comes_back_as_it_is(string name)
    {
        var nfc = name.Normalize(NormalizationForm.FormC);
        var query = Uri.EscapeDataString(name);
        using (var stored = await Client.PutAsync(name, new ByteArrayContent(_bytes), Cancelled))
        {
            Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
            Assert.Equal(nfc, (await JsonAsync(stored)).GetProperty("name").GetString());
            Assert.Equal(_bytes, await Client.Http.GetByteArrayAsync(Raw($"{stored.Headers.Location!.OriginalString}/content"), Cancelled));
        }

        var facts = (await Client.FactsAsync(name, Cancelled))!;
        Assert.Equal(nfc, facts.Name);
        Assert.Contains(await Client.ListAsync(Cancelled), file => file.Name == nfc);
        Assert.Contains((await SendJsonAsync(HttpMethod.Get, $"api/files?query={query}")).GetProperty("files").EnumerateArray(), file => file.GetProperty("name").GetString() == nfc);
        Assert.Contains((await SendJsonAsync(HttpMethod.Get, $"search?query={query}")).EnumerateObject(), member => member.Name == nfc);
        foreach (var (route, disposition) in ((string, string)[])[($"download?name={query}", "attachment"), ($"play?name={query}", "inline"), ($"{MdfsClient.FilePath(name)}/content", "inline")])
        {
            using var response = await Client.Http.GetAsync(Raw("/" + route), Cancelled);
            Assert.Equal(_bytes, await response.Content.ReadAsByteArrayAsync(Cancelled));
            var header = Assert.Single(response.Content.Headers.GetValues("Content-Disposition"));
            Assert.Matches("^" + disposition + "; filename=\"[ !#$&-.0-\\[\\]-~]*\"; filename\\*=UTF-8''[A-Za-z0-9._~%-]+$", header);
            Assert.Equal(nfc, Uri.UnescapeDataString(header[(header.LastIndexOf('\'') + 1)..]));
        }

        Assert.Equal(facts.Checksum, await Client.Http.GetStringAsync($"get-checksum?name={query}", Cancelled));
        Assert.Equal([true, true], (await Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));
        Assert.Equal(2, (await SendJsonAsync(HttpMethod.Post, $"{MdfsClient.FilePath(name)}/verify")).GetArrayLength());
        Assert.Contains($"/index/{Uri.EscapeDataString(nfc)}\n", await Client.Http.GetStringAsync("api/playlist.m3u8", Cancelled));

        var holder = shared.Cluster.Worker(facts.Holders.First()).Address;
        using (var copy = await AdminAsync(HttpMethod.Get, new Uri(holder, $"download?name={query}")))
            Assert.Equal(_bytes, await copy.Content.ReadAsByteArrayAsync(Cancelled));
        using (var sum = await AdminAsync(HttpMethod.Get, new Uri(holder, $"checksum?name={query}")))
            Assert.Equal(facts.Checksum, await sum.Content.ReadAsStringAsync(Cancelled));
        using (var verified = await AdminAsync(HttpMethod.Get, new Uri(holder, $"verify?name={query}")))
            Assert.Equal($"OK:{facts.Checksum}", await verified.Content.ReadAsStringAsync(Cancelled));

        using (var deleted = await AdminAsync(HttpMethod.Get, Raw($"/delete?name={query}")))
            Assert.Equal("OK:2", await deleted.Content.ReadAsStringAsync(Cancelled));
        Assert.Null(await Client.FactsAsync(name, Cancelled));

        // The forms: as browsers write the name, and by RFC 8187.
        if (!name.Contains('%', StringComparison.Ordinal)) await ThroughFormAsync(RawForm.AsBrowsersDo(name), nfc);
        if (name.Contains('"', StringComparison.Ordinal)) await ThroughFormAsync($"filename=\"{name.Replace("\"", "\\\"", StringComparison.Ordinal)}\"", nfc);
        await ThroughFormAsync(RawForm.Extended(name), nfc);
        AssertNothingOutside();
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_name_is_refused_by_every_route(string name)
    {
        var query = Uri.EscapeDataString(name);
        var before = (await Client.ListAsync(Cancelled)).Count;

        // In the path, where the server takes dot segments and NUL for what they are before any route sees them.
        foreach (var (method, suffix) in ((string, string)[])[("PUT", ""), ("GET", ""), ("HEAD", ""), ("DELETE", ""), ("GET", "/content"), ("POST", "/verify")])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), Raw($"/api/files/{query}{suffix}"));
            request.Headers.Authorization = Client.Admin;
            if (method == "PUT") request.Content = new ByteArrayContent(_bytes);
            using var response = await Client.Http.SendAsync(request, Cancelled);
            if (name.Trim('.').Length > 0 || method is not ("GET" or "HEAD")) Assert.InRange((int)response.StatusCode, 400, 405);
            Assert.False(response.Headers.Contains("X-Injected"));
        }

        foreach (var filename in (string[])[RawForm.AsBrowsersDo(name), RawForm.Extended(name)])
        {
            using var response = await Client.Http.PostAsync("upload", Form(filename), Cancelled);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }

        foreach (var route in (string[])["download", "play", "get-checksum", "verify", "delete"])
        {
            using var response = await AdminAsync(HttpMethod.Get, Raw($"/{route}?name={query}"));
            Assert.Equal((route, HttpStatusCode.BadRequest), (route, response.StatusCode));
            Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
            Assert.False(response.Headers.Contains("X-Injected"));
        }

        var worker = shared.Cluster.Workers[0].Address;
        foreach (var route in (string[])["download", "checksum", "verify", "delete"])
        {
            using var response = await AdminAsync(HttpMethod.Get, new Uri(worker, $"{route}?name={query}"));
            Assert.True(response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound, $"{route}: {response.StatusCode}");
        }

        Assert.Equal(before, (await Client.ListAsync(Cancelled)).Count);
        Assert.Empty(shared.Incoming());
        AssertNothingOutside();
    }

    [Theory]
    [InlineData("PUT", "/api/files/../../../x.mp4")]
    [InlineData("PUT", "/api/files/..%2f..%2fx.mp4")]
    [InlineData("PUT", "/api/files/%2e%2e/%2e%2e/x.mp4")]
    [InlineData("PUT", "/api/files/%2e%2e%2fx.mp4")]
    [InlineData("PUT", "/api/files/a%2Fb.mp4")]
    [InlineData("PUT", "/api/files/..%5c..%5cx.mp4")]
    [InlineData("PUT", "/api/files/x.mp4%00.txt")]
    [InlineData("GET", "/api/files/..%2f..%2fnode.json/content")]
    [InlineData("GET", "/download?name=..%2f..%2fnode.json")]
    [InlineData("GET", "/play?name=%2fetc%2fpasswd")]
    [InlineData("GET", "/..%2f..%2fetc%2fpasswd")]
    public async Task A_path_that_climbs_leads_nowhere(string method, string target)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Raw(target)) { Headers = { Authorization = Client.Admin } };
        if (method == "PUT") request.Content = new ByteArrayContent(_bytes);
        using var response = await Client.Http.SendAsync(request, Cancelled);
        Assert.InRange((int)response.StatusCode, 400, 405);
        Assert.DoesNotContain("root:", await response.Content.ReadAsStringAsync(Cancelled));
        AssertNothingOutside();
    }

    [Fact]
    public async Task Two_spellings_of_one_name_are_one_movie()
    {
        using (var first = await Client.PutAsync("Cafe\u0301 two.mp4", new ByteArrayContent(_bytes), Cancelled)) Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        using (var second = await Client.PutAsync("Caf\u00E9 two.mp4", new ByteArrayContent(_bytes), Cancelled)) Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal(await Client.FactsAsync("Cafe\u0301 two.mp4", Cancelled) is { } decomposed ? decomposed.Version : -1, (await Client.FactsAsync("Caf\u00E9 two.mp4", Cancelled))!.Version);
        Assert.Single((await SendJsonAsync(HttpMethod.Get, $"search?query={Uri.EscapeDataString("cafe\u0301 two")}")).EnumerateObject());
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    /// <summary>The request line exactly as it stands: no dot segment is removed and nothing is unescaped on the way out.</summary>
    private Uri Raw(string target) =>
        new(Client.Master.GetLeftPart(UriPartial.Authority) + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    private static HttpContent Form(string filename) => new RawForm().Field("secret", TestCluster.AdminKey).File(filename, _bytes).ToContent();

    private async Task ThroughFormAsync(string filename, string nfc)
    {
        using (var stored = await Client.Http.PostAsync("upload", Form(filename), Cancelled))
            Assert.True(stored.IsSuccessStatusCode, $"{filename}: {await stored.Content.ReadAsStringAsync(Cancelled)}");
        Assert.Equal(nfc, (await Client.FactsAsync(nfc, Cancelled))?.Name);
        using var deleted = await Client.DeleteAsync(nfc, Cancelled);
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
    }

    private async Task<HttpResponseMessage> AdminAsync(HttpMethod method, Uri uri)
    {
        using var request = new HttpRequestMessage(method, uri) { Headers = { Authorization = Client.Admin } };
        return await Client.Http.SendAsync(request, Cancelled);
    }

    private async Task<JsonElement> SendJsonAsync(HttpMethod method, string path)
    {
        using var response = await Client.Http.SendAsync(new HttpRequestMessage(method, path), Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await JsonAsync(response);
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response) => JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancelled)).RootElement;

    /// <summary>Beside the data directory there is nothing, and in it only what versions, upload ids and the product itself name.</summary>
    private void AssertNothingOutside()
    {
        var data = shared.Cluster.Cluster.DataDirectory;
        Assert.Equal([data], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(data)!));
        foreach (var worker in shared.Cluster.Workers)
        {
            var directory = shared.Cluster.Cluster.WorkerDirectory(worker);
            Assert.All(Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories), file => Assert.Matches(OwnFile(), Path.GetRelativePath(directory, file)));
        }
        Assert.Empty(Directory.EnumerateFiles(Path.GetTempPath(), "x.mp4*"));
        Assert.False(File.Exists("/etc/mdfs.mp4"));
        Assert.False(File.Exists("/x.mp4"));
    }

    [GeneratedRegex("""^(lock|node\.json|scrub\.json|(canary|planted)(\.blocks)?|reserve|probe|tombstones\.log|replicas/[0-9a-f]{2}/[0-9]+(\.checksum|\.blocks)?|incoming/[0-9a-f]{32}(\.blocks|\.receipt)?|incoming/pull-[0-9]+(\.blocks)?|trash/[^/]+|trash/kept/[0-9]+(\.checksum|\.blocks)?)(\.[a-z0-9]*)?$""")]
    private static partial Regex OwnFile();

    public sealed class Fixture : SharedCluster;
}
