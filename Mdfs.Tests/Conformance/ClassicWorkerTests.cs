using System.Globalization;
using System.Net;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>The routes of the original on a worker, and what it leaves on disk (docs/http-api.md, the classic routes; design, section 4).</summary>
public sealed class ClassicWorkerTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    private static readonly byte[] _bytes = new MovieBytes(1, 200_000).ToArray();
    private static readonly string _checksum = System.IO.Hashing.Crc32.HashToUInt32(_bytes).ToString("x8", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("GET", "download?name=anonymous.mp4")]
    [InlineData("HEAD", "download?name=anonymous.mp4")]
    [InlineData("GET", "checksum?name=anonymous.mp4")]
    [InlineData("GET", "verify?name=anonymous.mp4")]
    [InlineData("GET", "delete?name=anonymous.mp4")]
    [InlineData("POST", "delete?name=anonymous.mp4&secret=admin888")]
    public async Task A_worker_obeys_nobody_without_the_key(string method, string route)
    {
        var holder = await StoreAsync("anonymous.mp4");
        using var response = await Client.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), new Uri(holder, route)), Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(method == "HEAD" ? "" : "Unauthorized", await response.Content.ReadAsStringAsync(Cancelled));
        Assert.Equal(2, (await Client.FactsAsync("anonymous.mp4", Cancelled))!.Copies);
    }

    [Fact]
    public async Task A_worker_sends_its_copy_with_ranges()
    {
        var holder = await StoreAsync("sent.mp4");
        using var whole = await SendAsync("GET", holder, "download?name=sent.mp4");
        Assert.Equal(_bytes, await whole.Content.ReadAsByteArrayAsync(Cancelled));
        Assert.Equal("video/mp4", whole.Content.Headers.ContentType?.MediaType);
        using var part = await SendAsync("GET", holder, "download?name=sent.mp4", "bytes=65530-65549");
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(_bytes[65530..65550], await part.Content.ReadAsByteArrayAsync(Cancelled));
        using var beyond = await SendAsync("GET", holder, "download?name=sent.mp4", "bytes=200000-");
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, beyond.StatusCode);
        Assert.Equal("bytes */200000", beyond.Content.Headers.ContentRange?.ToString());
    }

    [Fact]
    public async Task Checksum_and_verify_answer_in_the_words_of_the_original()
    {
        var holder = await StoreAsync("checked.mp4");
        await AnswersAsync(holder, "checksum?name=checked.mp4", 200, _checksum);
        await AnswersAsync(holder, "verify?name=checked.mp4", 200, $"OK:{_checksum}");
        await AnswersAsync(holder, $"verify?name=checked.mp4&checksum={_checksum}", 200, $"OK:{_checksum}");
        await AnswersAsync(holder, "verify?name=checked.mp4&checksum=00000000", 400, $"CHECKSUM_MISMATCH:{_checksum}");
        foreach (var route in (string[])["checksum", "verify", "download"])
        {
            using var missing = await SendAsync("GET", holder, $"{route}?name=missing.mp4");
            Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        }
    }

    [Fact]
    public async Task Delete_removes_this_one_copy_and_the_fixer_replaces_it()
    {
        var holder = await StoreAsync("trimmed by hand.mp4");
        await AnswersAsync(holder, "delete?name=trimmed%20by%20hand.mp4", 200, "OK");
        await AnswersAsync(holder, "delete?name=never%20there.mp4", 200, "OK");
        await Eventually.TrueAsync(
            async () => await Client.FactsAsync("trimmed by hand.mp4", Cancelled) is { Copies: 2 } facts && shared.OnDisk(facts.Version) == 2,
            "the copy is replaced", MdfsClient.Patience, Cancelled);
        Assert.Equal([true, true], (await Client.VerifyAsync("trimmed by hand.mp4", Cancelled)).Select(verdict => verdict.Valid));
    }

    [Fact]
    public async Task Uploads_that_no_master_opened_are_refused_with_the_way_to_the_master()
    {
        var worker = shared.Cluster.Workers[0].Address;
        var form = new RawForm().File("filename=\"smuggled.mp4\"", _bytes, field: "file");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(worker, "upload?name=smuggled.mp4")) { Content = form.ToContent(), Headers = { Authorization = Client.Admin } };
        using var response = await Client.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("master", await response.Content.ReadAsStringAsync(Cancelled));
        Assert.Empty(shared.Incoming());
        Assert.Null(await Client.FactsAsync("smuggled.mp4", Cancelled));
    }

    [Fact]
    public async Task Health_is_OK_and_the_classic_metrics_are_lines_of_name_and_value()
    {
        var holder = await StoreAsync("measured.mp4");
        Assert.Equal("OK", await Client.Http.GetStringAsync(new Uri(holder, "health"), Cancelled));
        var lines = (await Client.Http.GetStringAsync(new Uri(holder, "metrics"), Cancelled)).Split('\n');
        foreach (var name in (string[])["mdfs_worker_files", "mdfs_worker_bytes_total", "mdfs_worker_up"])
            Assert.Matches("^[1-9][0-9]*$", Assert.Single(lines, line => line.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ')[1]);
        Assert.DoesNotContain(lines, line => line.StartsWith("mdfs_worker_files{", StringComparison.Ordinal) || line.StartsWith("mdfs_worker_bytes_total{", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_acknowledged_copy_has_its_checksum_file_that_describes_it_completely()
    {
        await StoreAsync("described.mp4");
        var facts = (await Client.FactsAsync("described.mp4", Cancelled))!;
        var copies = shared.Cluster.Workers.SelectMany(shared.Cluster.ReplicaFiles).Where(file => Path.GetFileName(file) == $"{facts.Version}").ToList();
        Assert.Equal(2, copies.Count);
        foreach (var copy in copies)
        {
            Assert.Equal(_bytes, await File.ReadAllBytesAsync(copy, Cancelled));
            var lines = await File.ReadAllLinesAsync(copy + ".checksum", Cancelled);
            Assert.Equal(_checksum, lines[0]);
            using var description = JsonDocument.Parse(lines[1]);
            Assert.Contains("described.mp4", lines[1]);
            Assert.Contains($"{facts.Version}", lines[1]);
            Assert.Contains("200000", lines[1]);
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    /// <summary>The address of a worker that holds it.</summary>
    private async Task<Uri> StoreAsync(string name)
    {
        if (await Client.FactsAsync(name, Cancelled) is null)
        {
            using var response = await Client.PutAsync(name, new ByteArrayContent(_bytes), Cancelled);
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        }
        return shared.Cluster.Worker((await Client.FactsAsync(name, Cancelled))!.Holders.First()).Address;
    }

    private async Task<HttpResponseMessage> SendAsync(string method, Uri worker, string route, string? range = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(worker, route));
        request.Headers.Authorization = Client.Admin;
        if (range is not null) request.Headers.TryAddWithoutValidation("Range", range);
        return await Client.Http.SendAsync(request, Cancelled);
    }

    private async Task AnswersAsync(Uri worker, string route, int status, string text)
    {
        using var response = await SendAsync("GET", worker, route);
        Assert.Equal((status, text), ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Cancelled)));
    }
}
