using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mdfs.Protocol.Security;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Conformance;

/// <summary>The routes of the original on the master, with exactly the answers that its scripts know (docs/http-api.md, the classic routes).</summary>
public sealed partial class ClassicMasterTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static readonly byte[] _bytes = new MovieBytes(1, 100_000).ToArray();

    public enum KeyPlace
    {
        FieldBeforeTheFile,
        Header,
        Bearer,
        Query,
    }

    [Theory]
    [InlineData(KeyPlace.FieldBeforeTheFile)]
    [InlineData(KeyPlace.Header)]
    [InlineData(KeyPlace.Bearer)]
    [InlineData(KeyPlace.Query)]
    public async Task The_form_is_taken_with_the_key_wherever_scripts_put_it(KeyPlace place)
    {
        var name = $"key in {place}.mp4";
        var form = new RawForm();
        if (place == KeyPlace.FieldBeforeTheFile) form.Field("secret", TestCluster.AdminKey);
        using var request = new HttpRequestMessage(HttpMethod.Post, place == KeyPlace.Query ? $"upload?secret={Uri.EscapeDataString(TestCluster.AdminKey)}" : "upload");
        request.Content = form.File($"filename=\"{name}\"", _bytes).ToContent();
        if (place == KeyPlace.Header) request.Headers.Add("X-Mdfs-Secret", TestCluster.AdminKey);
        if (place == KeyPlace.Bearer) request.Headers.Authorization = Client.Admin;

        using var response = await Client.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var facts = (await Client.FactsAsync(name, Cancelled))!;
        Assert.Equal($"OK:2 {facts.Checksum}\n", await TextAsync(response));
        Assert.Equal(_bytes, await Client.Http.GetByteArrayAsync(MdfsClient.DownloadPath(name), Cancelled));
    }

    [Fact]
    public async Task A_form_without_the_right_key_in_front_of_the_file_is_refused_and_nothing_is_stored()
    {
        RawForm File(RawForm form) => form.File("filename=\"refused.mp4\"", _bytes);
        Assert.Equal("Unauthorized", await RefusedAsync(File(new RawForm().Field("secret", "admin888")), 401));
        Assert.Equal("Unauthorized", await RefusedAsync(File(new RawForm().Field("secret", "not the key")), 401));
        Assert.StartsWith("Unauthorized", await RefusedAsync(File(new RawForm()), 401), StringComparison.Ordinal);
        var late = await RefusedAsync(File(new RawForm()).Field("secret", TestCluster.AdminKey), 401);
        Assert.StartsWith("Unauthorized", late, StringComparison.Ordinal);
        Assert.Contains("before the file", late);
        Assert.Contains("X-Mdfs-Secret", late);
        Assert.Null(await Client.FactsAsync("refused.mp4", Cancelled));
        Assert.Empty(shared.Incoming());
    }

    [Fact]
    public async Task A_form_without_a_file_or_with_something_that_is_no_video_is_refused()
    {
        RawForm Keyed() => new RawForm().Field("secret", TestCluster.AdminKey);
        await RefusedAsync(Keyed(), 400);
        await RefusedAsync(Keyed().Field("movie", "only text"), 400);
        await RefusedAsync(Keyed().File("filename=\"film.mp4\"", _bytes, field: "other"), 400);
        Assert.Contains("video", await RefusedAsync(Keyed().File("filename=\"notes.txt\"", _bytes), 400));
        await RefusedAsync(Keyed().File("filename=\"no extension\"", _bytes), 400);
        await RefusedAsync(Keyed().File("filename=\"\"", _bytes), 400);
        using var plain = new HttpRequestMessage(HttpMethod.Post, "upload") { Content = new ByteArrayContent(_bytes) };
        plain.Headers.Authorization = Client.Admin;
        using var response = await Client.Http.SendAsync(plain, Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Download_is_an_attachment_and_play_is_inline()
    {
        await StoreAsync("disposition.mp4");
        using var download = await Client.Http.GetAsync("download?name=disposition.mp4", Cancelled);
        Assert.Equal("attachment; filename=\"disposition.mp4\"; filename*=UTF-8''disposition.mp4", download.Content.Headers.GetValues("Content-Disposition").Single());
        using var play = await Client.Http.GetAsync("play?name=disposition.mp4", Cancelled);
        Assert.Equal("inline; filename=\"disposition.mp4\"; filename*=UTF-8''disposition.mp4", play.Content.Headers.GetValues("Content-Disposition").Single());
        foreach (var response in (HttpResponseMessage[])[download, play])
        {
            Assert.Equal(_bytes, await response.Content.ReadAsByteArrayAsync(Cancelled));
            Assert.Equal("bytes", response.Headers.AcceptRanges.Single());
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.False(response.Headers.ETag!.IsWeak);
        }
    }

    [Theory]
    [InlineData("mp4", "video/mp4")]
    [InlineData("m4v", "video/mp4")]
    [InlineData("mkv", "video/x-matroska")]
    [InlineData("avi", "video/x-msvideo")]
    [InlineData("mov", "video/quicktime")]
    [InlineData("wmv", "video/x-ms-wmv")]
    [InlineData("flv", "video/x-flv")]
    [InlineData("WEBM", "video/webm")]
    public async Task A_movie_has_the_type_of_its_extension(string extension, string type)
    {
        await StoreAsync($"typed.{extension}");
        using var request = new HttpRequestMessage(HttpMethod.Head, $"play?name=typed.{extension}");
        using var response = await Client.Http.SendAsync(request, Cancelled);
        Assert.Equal(type, response.Content.Headers.ContentType?.ToString());
        Assert.Equal(_bytes.Length, response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task A_range_gives_its_bytes_and_one_past_the_end_is_answered_416_with_the_size()
    {
        await StoreAsync("ranges.mp4");
        foreach (var route in (string[])["download?name=ranges.mp4", "play?name=ranges.mp4", "api/files/ranges.mp4/content"])
        {
            using var part = await GetRangeAsync(route, "bytes=99990-");
            Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
            Assert.Equal("bytes 99990-99999/100000", part.Content.Headers.ContentRange!.ToString());
            Assert.Equal(_bytes[^10..], await part.Content.ReadAsByteArrayAsync(Cancelled));
            using var beyond = await GetRangeAsync(route, "bytes=100000-");
            Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, beyond.StatusCode);
            Assert.Equal("bytes */100000", beyond.Content.Headers.ContentRange!.ToString());
        }
    }

    [Fact]
    public async Task Validators_are_the_same_whichever_copy_is_read_and_tell_what_has_not_changed()
    {
        await StoreAsync("validators.mp4");
        var facts = (await Client.FactsAsync("validators.mp4", Cancelled))!;
        var seen = new HashSet<(string?, DateTimeOffset?)>();
        for (var i = 0; i < 4; i++)
        {
            using var response = await Client.Http.GetAsync("play?name=validators.mp4", Cancelled);
            seen.Add((response.Headers.ETag?.Tag, response.Content.Headers.LastModified));
        }
        foreach (var worker in facts.Holders.Select(shared.Cluster.Worker))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(worker.Address, "download?name=validators.mp4")) { Headers = { Authorization = Client.Admin } };
            using var response = await Client.Http.SendAsync(request, Cancelled);
            seen.Add((response.Headers.ETag?.Tag, response.Content.Headers.LastModified));
        }
        Assert.Equal(facts.ETag, Assert.Single(seen).Item1);

        using var again = new HttpRequestMessage(HttpMethod.Get, "play?name=validators.mp4");
        again.Headers.IfNoneMatch.Add(new EntityTagHeaderValue(facts.ETag));
        using var notModified = await Client.Http.SendAsync(again, Cancelled);
        Assert.Equal(HttpStatusCode.NotModified, notModified.StatusCode);
    }

    [Theory]
    [InlineData("GET", true)]
    [InlineData("DELETE", true)]
    [InlineData("POST", true)]
    [InlineData("POST", false)]
    public async Task Delete_answers_how_many_nodes_have_let_go(string method, bool keyInQuery)
    {
        var name = $"deleted by {method} {keyInQuery}.mp4";
        await StoreAsync(name);
        var escaped = Uri.EscapeDataString(name);
        using (var anonymous = await Client.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"delete?name={escaped}"), Cancelled))
            Assert.Equal((HttpStatusCode.Unauthorized, "Unauthorized"), (anonymous.StatusCode, await TextAsync(anonymous)));
        using (var wrong = await Client.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"delete?name={escaped}&secret=admin888"), Cancelled))
            Assert.Equal((HttpStatusCode.Unauthorized, "Unauthorized"), (wrong.StatusCode, await TextAsync(wrong)));
        Assert.NotNull(await Client.FactsAsync(name, Cancelled));

        var key = Uri.EscapeDataString(TestCluster.AdminKey);
        using var request = new HttpRequestMessage(new HttpMethod(method), keyInQuery ? $"delete?name={escaped}&secret={key}" : "delete");
        if (!keyInQuery) request.Content = new FormUrlEncodedContent([new("name", name), new("secret", TestCluster.AdminKey)]);
        using var response = await Client.Http.SendAsync(request, Cancelled);
        Assert.Equal((HttpStatusCode.OK, "OK:2"), (response.StatusCode, await TextAsync(response)));
        Assert.Null(await Client.FactsAsync(name, Cancelled));
        using var missing = await Client.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"delete?name={escaped}&secret={key}"), Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Fact]
    public async Task The_checksum_is_eight_lower_case_hex_digits_and_nothing_else()
    {
        await StoreAsync("sum.mp4");
        var expected = System.IO.Hashing.Crc32.HashToUInt32(_bytes).ToString("x8", System.Globalization.CultureInfo.InvariantCulture);
        using var response = await Client.Http.GetAsync("get-checksum?name=sum.mp4", Cancelled);
        Assert.Equal(expected, await TextAsync(response));
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Verify_is_an_array_of_node_checksum_and_valid()
    {
        await StoreAsync("verified.mp4");
        var facts = (await Client.FactsAsync("verified.mp4", Cancelled))!;
        var verdicts = JsonDocument.Parse(await Client.Http.GetStringAsync("verify?name=verified.mp4", Cancelled)).RootElement.EnumerateArray().ToList();
        Assert.Equal(facts.Nodes.Select(copy => copy.Address).Order(), verdicts.Select(verdict => verdict.GetProperty("node").GetString()).Order());
        Assert.All(verdicts, verdict =>
        {
            Assert.Equal(["node", "checksum", "valid"], verdict.EnumerateObject().Select(member => member.Name));
            Assert.Matches("^http://127\\.0\\.0\\.1:[0-9]+$", verdict.GetProperty("node").GetString());
            Assert.Equal(facts.Checksum, verdict.GetProperty("checksum").GetString());
            Assert.Equal(JsonValueKind.True, verdict.GetProperty("valid").ValueKind);
        });
    }

    [Fact]
    public async Task Search_finds_parts_of_names_in_any_case_and_says_who_holds_them()
    {
        await StoreAsync("Searched One.mp4");
        await StoreAsync("SEARCHED two.mp4");
        var found = JsonDocument.Parse(await Client.Http.GetStringAsync("search?query=sEaRcHeD", Cancelled)).RootElement;
        Assert.Equal(["SEARCHED two.mp4", "Searched One.mp4"], found.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        var facts = (await Client.FactsAsync("Searched One.mp4", Cancelled))!;
        var holders = found.GetProperty("Searched One.mp4").EnumerateObject().ToList();
        Assert.Equal(facts.Nodes.Select(copy => copy.Address).Order(), holders.Select(member => member.Name).Order());
        Assert.All(holders, member => Assert.Equal(JsonValueKind.True, member.Value.ValueKind));
        Assert.Equal("{}", await Client.Http.GetStringAsync("search?query=nothing%20like%20it", Cancelled));
        var all = JsonDocument.Parse(await Client.Http.GetStringAsync("search?query=", Cancelled)).RootElement.EnumerateObject().Select(member => member.Name).ToList();
        Assert.Contains("Searched One.mp4", all);
        Assert.Contains("SEARCHED two.mp4", all);
    }

    [Fact]
    public async Task What_does_not_exist_is_answered_404_by_every_route_that_names_a_movie()
    {
        foreach (var route in (string[])["download", "play", "get-checksum", "verify"])
        {
            using var response = await Client.Http.GetAsync($"{route}?name=no%20such.mp4", Cancelled);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        }
    }

    [Fact]
    public async Task Stats_have_the_members_that_scripts_look_for()
    {
        await StoreAsync("counted.mp4");
        using var stats = JsonDocument.Parse(await Client.Http.GetStringAsync("stats", Cancelled));
        Assert.Equal(["active_nodes", "total_files", "total_checksums", "ring_size", "under_replicated_files"], stats.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(3, stats.RootElement.GetProperty("active_nodes").GetInt32());
        Assert.Equal(30, stats.RootElement.GetProperty("ring_size").GetInt32());
        Assert.True(stats.RootElement.GetProperty("total_files").GetInt32() >= 1);
        Assert.Equal(stats.RootElement.GetProperty("total_files").GetInt32(), stats.RootElement.GetProperty("total_checksums").GetInt32());
        Assert.Equal("OK", await Client.Http.GetStringAsync("health", Cancelled));
    }

    [Theory]
    [InlineData("mdfs_active_nodes", "gauge")]
    [InlineData("mdfs_total_files", "gauge")]
    [InlineData("mdfs_under_replicated_files", "gauge")]
    [InlineData("mdfs_up", "gauge")]
    public async Task A_classic_metric_is_one_line_of_name_and_value_without_labels(string name, string type)
    {
        using var response = await Client.Http.GetAsync("metrics", Cancelled);
        var text = await TextAsync(response);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains($"# TYPE {name} {type}\n", text);
        Assert.Matches("^[0-9]+$", Assert.Single(text.Split('\n'), line => line.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ')[1]);
    }

    [Fact]
    public async Task What_workers_once_reported_to_is_closed_to_everybody_else_and_changes_nothing()
    {
        await StoreAsync("reported.mp4");
        var facts = (await Client.FactsAsync("reported.mp4", Cancelled))!;
        foreach (var authorization in (AuthenticationHeaderValue?[])[null, Client.Admin])
        {
            using var checksum = new HttpRequestMessage(HttpMethod.Get, "checksum?name=reported.mp4&checksum=00000000") { Headers = { Authorization = authorization } };
            using (var response = await Client.Http.SendAsync(checksum, Cancelled))
            {
                Assert.Equal((HttpStatusCode.Unauthorized, "text/plain"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
                Assert.StartsWith("This address is for nodes of the cluster only", await response.Content.ReadAsStringAsync(Cancelled));
            }

            foreach (var (body, status) in ((string, HttpStatusCode)[])[("", HttpStatusCode.Unauthorized), ("[\"reported.mp4\"]", HttpStatusCode.BadRequest)])
            {
                using var register = new HttpRequestMessage(HttpMethod.Post, "register?addr=http%3A%2F%2F127.0.0.1%3A1") { Content = new StringContent(body), Headers = { Authorization = authorization } };
                using var response = await Client.Http.SendAsync(register, Cancelled);
                Assert.Equal(status, response.StatusCode);
            }
        }

        Assert.Equal((HttpStatusCode.OK, "OK"), await ReportAsync("GET", $"/checksum?name=reported.mp4&checksum={facts.Checksum}"));
        Assert.Equal(HttpStatusCode.Conflict, (await ReportAsync("GET", "/checksum?name=reported.mp4&checksum=00000000")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await ReportAsync("GET", "/checksum?name=reported.mp4&checksum=nonsense")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await ReportAsync("POST", "/register?addr=http%3A%2F%2F127.0.0.1%3A1", "[\"reported.mp4\"]")).Status);
        Assert.Equal(facts.Checksum, (await Client.FactsAsync("reported.mp4", Cancelled))!.Checksum);
        Assert.Equal(3, (await Client.AdminAsync("api/nodes", Cancelled)).GetArrayLength());
    }

    [Fact]
    public async Task Where_the_console_lives_on_the_same_host_everything_is_described_all_the_same()
    {
        using var document = JsonDocument.Parse(await Client.Http.GetStringAsync("openapi/v1.json", Cancelled));
        foreach (var path in document.RootElement.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject().Where(operation => operation.Value.ValueKind == JsonValueKind.Object && operation.Value.TryGetProperty("responses", out _)))
                Assert.True(operation.Value.TryGetProperty("summary", out _) && operation.Value.TryGetProperty("description", out _), $"{operation.Name} {path.Name} is not described");
        }
    }

    [Fact]
    public async Task The_page_holds_no_key_and_fetches_nothing_from_elsewhere()
    {
        var page = await Client.Http.GetStringAsync("", Cancelled);
        Assert.DoesNotContain("admin888", page);
        Assert.DoesNotContain(TestCluster.AdminKey, page);
        Assert.DoesNotMatch(Elsewhere(), page);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    private async Task StoreAsync(string name)
    {
        using var response = await Client.PutAsync(name, new ByteArrayContent(_bytes), Cancelled);
        Assert.True(response.IsSuccessStatusCode, await TextAsync(response));
    }

    private async Task<string> RefusedAsync(RawForm form, int status)
    {
        using var response = await Client.Http.PostAsync("upload", form.ToContent(), Cancelled);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        return await TextAsync(response);
    }

    private async Task<HttpResponseMessage> GetRangeAsync(string route, string range)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, route);
        request.Headers.TryAddWithoutValidation("Range", range);
        return await Client.Http.SendAsync(request, Cancelled);
    }

    /// <summary>As a worker of this cluster would, token and all.</summary>
    private async Task<(HttpStatusCode Status, string Text)> ReportAsync(string method, string target, string body = "")
    {
        var worker = shared.Cluster.Workers[0];
        var id = (await Client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Single(node => node.GetProperty("name").GetString() == worker.Name).GetProperty("id").GetString()!;
        var epoch = (await Client.AdminAsync("api/cluster", Cancelled)).GetProperty("epoch").GetInt64();
        var tokens = worker.Services.GetRequiredService<NodeTokens>();
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        using var request = new HttpRequestMessage(new HttpMethod(method), target);
        if (body.Length > 0) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        request.Headers.Add(NodeTokens.Header, tokens.Issue(NodePurpose.Report, method, target, id, NodeTokens.Master, epoch, now, Encoding.UTF8.GetBytes(body)));
        using var response = await Client.Http.SendAsync(request, Cancelled);
        return (response.StatusCode, await TextAsync(response));
    }

    private static Task<string> TextAsync(HttpResponseMessage response) => response.Content.ReadAsStringAsync(Cancelled);

    [GeneratedRegex("(src|href|url)\\s*[=(]\\s*[\"']?\\s*(https?:)?//", RegexOptions.IgnoreCase)]
    private static partial Regex Elsewhere();
}
