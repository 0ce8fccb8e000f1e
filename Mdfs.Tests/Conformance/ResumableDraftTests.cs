using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>draft-ietf-httpbis-resumable-upload, interop version 8: what binds the server, as far as Kestrel allows (docs/http-api.md names the differences).</summary>
public sealed class ResumableDraftTests(ResumableDraftTests.Fixture shared) : IClassFixture<ResumableDraftTests.Fixture>
{
    private static readonly MovieBytes _movie = new(51, 300_000);
    private static readonly byte[] _bytes = _movie.ToArray();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private TusClient Client => new(shared.Client);

    // Upload creation.

    [Fact]
    public async Task A_creation_with_all_bytes_is_answered_as_a_PUT_would_be_and_says_that_it_is_complete()
    {
        using var created = await CreateAsync("whole.mp4", "?1", _bytes);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("?1", TusClient.Header(created, "Upload-Complete"));
        Assert.Null(TusClient.Header(created, "Tus-Resumable"));
        var facts = await created.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
        Assert.Equal(("whole.mp4", 2), (facts.GetProperty("name").GetString(), facts.GetProperty("copies").GetInt32()));
        await shared.Client.AssertHoldsAsync("whole.mp4", _movie, Cancelled);
    }

    [Fact]
    public async Task A_creation_with_a_part_tells_location_and_limits_and_later_pieces_complete_it()
    {
        using var created = await CreateAsync("parts.mp4", "?0", _bytes[..100_000], ("Upload-Length", "300000"));
        Assert.Equal((HttpStatusCode.Created, "?0"), (created.StatusCode, TusClient.Header(created, "Upload-Complete")));
        Assert.Matches("^max-size=[0-9]+, max-age=[0-9]+$", TusClient.Header(created, "Upload-Limit"));
        var upload = created.Headers.Location!.ToString();
        using (var head = await SendAsync(HttpMethod.Head, upload, null))
        {
            Assert.Equal(HttpStatusCode.NoContent, head.StatusCode);
            Assert.Equal((100_000L, 300_000L, "?0"), (TusClient.Number(head, "Upload-Offset"), TusClient.Number(head, "Upload-Length"), TusClient.Header(head, "Upload-Complete")));
            Assert.NotNull(TusClient.Header(head, "Upload-Limit"));
            Assert.True(head.Headers.CacheControl!.NoStore);
        }

        // All bytes are not the end: the client has to say so.
        using (var patched = await PatchAsync(upload, 100_000, "?0", _bytes[100_000..])) Assert.Equal((HttpStatusCode.NoContent, "?0"), (patched.StatusCode, TusClient.Header(patched, "Upload-Complete")));
        using (var get = await SendAsync(HttpMethod.Get, upload, null)) Assert.Equal((300_000L, "?0"), (TusClient.Number(get, "Upload-Offset"), TusClient.Header(get, "Upload-Complete")));
        Assert.Null(await shared.Client.FactsAsync("parts.mp4", Cancelled));
        foreach (var _ in (int[])[1, 2])
        {
            // The second time as one whose answer was lost.
            using var ended = await PatchAsync(upload, 300_000, "?1", []);
            Assert.Equal((HttpStatusCode.OK, "?1"), (ended.StatusCode, TusClient.Header(ended, "Upload-Complete")));
            Assert.Equal("parts.mp4", (await ended.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("name").GetString());
        }

        using (var head = await SendAsync(HttpMethod.Head, upload, null)) Assert.Equal((300_000L, "?1"), (TusClient.Number(head, "Upload-Offset"), TusClient.Header(head, "Upload-Complete")));
        await shared.Client.AssertHoldsAsync("parts.mp4", _movie, Cancelled);
    }

    [Fact]
    public async Task A_creation_without_content_and_length_gives_the_address_and_the_last_piece_tells_the_length()
    {
        using var created = await CreateAsync("later.mp4", "?0", []);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        var upload = created.Headers.Location!.ToString();
        using (var head = await SendAsync(HttpMethod.Head, upload, null)) Assert.Equal((0L, null), (TusClient.Number(head, "Upload-Offset"), TusClient.Header(head, "Upload-Length")));
        using (var first = await PatchAsync(upload, 0, "?0", _bytes[..1])) Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        using (var last = await PatchAsync(upload, 1, "?1", _bytes[1..])) Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        await shared.Client.AssertHoldsAsync("later.mp4", _movie, Cancelled);
    }

    [Fact]
    public async Task An_empty_movie_is_a_movie()
    {
        using var created = await CreateAsync("nothing.mp4", "?1", []);
        Assert.Equal((HttpStatusCode.Created, "?1"), (created.StatusCode, TusClient.Header(created, "Upload-Complete")));
        Assert.Equal(0, (await shared.Client.FactsAsync("nothing.mp4", Cancelled))!.Size);
    }

    [Theory]
    [InlineData("8", true)]
    [InlineData("7", false)]
    [InlineData(null, false)]
    public async Task An_interim_response_104_tells_the_address_to_clients_of_this_version_of_the_draft_only(string? version, bool told)
    {
        using var connection = await RawConnection.OpenAsync(shared.Client.Master, Cancelled);
        await connection.WriteAsync(
            $"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TestCluster.AdminKey}\r\nUpload-Complete: ?1\r\n{(version is null ? "" : $"Upload-Draft-Interop-Version: {version}\r\n")}"
            + "Content-Disposition: inline; filename=\"interim.mp4\"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", Cancelled);
        var answer = await connection.ReadToEndAsync(Cancelled);
        var parts = answer.Split("\r\n\r\n");
        if (told)
        {
            Assert.StartsWith("HTTP/1.1 104 Upload Resumption Supported\r\nLocation: /api/uploads/", parts[0], StringComparison.Ordinal);
            Assert.Contains("\r\nUpload-Limit: max-size=", parts[0]);
            Assert.Contains("\r\nUpload-Draft-Interop-Version: 8", parts[0]);
        }
        else
        {
            Assert.DoesNotContain("HTTP/1.1 104", answer);
        }

        Assert.Contains("HTTP/1.1 201 Created", answer);
    }

    [Theory]
    [InlineData("yes", null, "a.mp4", 400)]
    [InlineData("?1", "299999", "a.mp4", 400)]
    [InlineData("?0", null, "../a.mp4", 400)]
    [InlineData("?0", null, "a.exe", 400)]
    [InlineData("?0", "999999999999999", "a.mp4", 413)]
    public async Task What_makes_no_sense_is_refused_and_no_upload_is_made(string complete, string? length, string name, int status)
    {
        using var created = await CreateAsync(name, complete, _bytes, ("Upload-Length", length));
        Assert.Equal(status, (int)created.StatusCode);
        Assert.Null(created.Headers.Location);
        if (status == 413) Assert.NotNull(TusClient.Header(created, "Upload-Limit"));
    }

    [Fact]
    public async Task OPTIONS_tells_the_limits()
    {
        using var answer = await SendAsync(HttpMethod.Options, "/api/uploads", null);
        Assert.Matches("^max-size=[0-9]+$", TusClient.Header(answer, "Upload-Limit"));
    }

    // Upload append.

    [Fact]
    public async Task A_piece_at_another_offset_is_answered_409_with_the_right_one_and_changes_nothing()
    {
        var upload = await BeginAsync("offsets.mp4");
        using (var first = await PatchAsync(upload, 0, "?0", _bytes[..1000])) Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        foreach (var wrong in (int[])[0, 999, 1001])
        {
            using var patched = await PatchAsync(upload, wrong, "?0", _bytes[..10]);
            Assert.Equal((HttpStatusCode.Conflict, "?0", 1000L), (patched.StatusCode, TusClient.Header(patched, "Upload-Complete"), TusClient.Number(patched, "Upload-Offset")));
            var problem = await patched.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
            Assert.Equal((1000, wrong), (problem.GetProperty("expected-offset").GetInt32(), problem.GetProperty("provided-offset").GetInt32()));
        }
    }

    [Theory]
    [InlineData("application/octet-stream", "0", "?0", 415)]
    [InlineData("application/partial-upload", null, "?0", 400)]
    [InlineData("application/partial-upload", "zero", "?0", 400)]
    [InlineData("application/partial-upload", "0", null, 400)]
    public async Task A_piece_names_type_offset_and_completeness(string type, string? offset, string? complete, int status)
    {
        var upload = await BeginAsync("types.mp4");
        using var patched = await SendAsync(HttpMethod.Patch, upload, _bytes[..10], ("Content-Type", type), ("Upload-Offset", offset), ("Upload-Complete", complete));
        Assert.Equal(status, (int)patched.StatusCode);
    }

    [Fact]
    public async Task Bytes_beyond_the_length_make_the_upload_invalid()
    {
        using var created = await CreateAsync("beyond.mp4", "?0", _bytes[..100], ("Upload-Length", "200"));
        var upload = created.Headers.Location!.ToString();
        using (var patched = await PatchAsync(upload, 100, "?0", _bytes[..101])) Assert.Equal(HttpStatusCode.RequestEntityTooLarge, patched.StatusCode);
        using (var head = await SendAsync(HttpMethod.Head, upload, null)) Assert.Equal(HttpStatusCode.Gone, head.StatusCode);
    }

    [Fact]
    public async Task Lengths_that_differ_are_refused()
    {
        using var created = await CreateAsync("differs.mp4", "?0", _bytes[..100], ("Upload-Length", "200"));
        var upload = created.Headers.Location!.ToString();
        using (var patched = await PatchAsync(upload, 100, "?1", _bytes[..50])) Assert.Equal(HttpStatusCode.BadRequest, patched.StatusCode);
        using (var head = await SendAsync(HttpMethod.Head, upload, null)) Assert.Equal(100, TusClient.Number(head, "Upload-Offset"));
    }

    // Upload cancellation.

    [Fact]
    public async Task A_cancelled_upload_is_gone()
    {
        var upload = await BeginAsync("cancelled.mp4");
        using (var deleted = await SendAsync(HttpMethod.Delete, upload, null)) Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using (var head = await SendAsync(HttpMethod.Head, upload, null)) Assert.Equal(HttpStatusCode.Gone, head.StatusCode);
    }

    private async Task<string> BeginAsync(string name)
    {
        using var created = await CreateAsync(name, "?0", []);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        return created.Headers.Location!.ToString();
    }

    private Task<HttpResponseMessage> CreateAsync(string name, string complete, byte[] bytes, params (string Name, string? Value)[] headers) => SendAsync(
        HttpMethod.Post, "/api/uploads", bytes, [("Upload-Complete", complete), ("Content-Disposition", $"inline; filename=\"{name}\""), ("Content-Type", "video/mp4"), .. headers]);

    private Task<HttpResponseMessage> PatchAsync(string upload, long offset, string complete, byte[] bytes) => SendAsync(
        HttpMethod.Patch, upload, bytes,
        ("Content-Type", "application/partial-upload"), ("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture)), ("Upload-Complete", complete));

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, byte[]? bytes, params (string Name, string? Value)[] headers) => Client.SendAsync(
        method, path, bytes is null ? null : new ByteArrayContent(bytes), [("Tus-Resumable", null), ("Upload-Draft-Interop-Version", "8"), .. headers]);

    public sealed class Fixture : SharedCluster;
}
