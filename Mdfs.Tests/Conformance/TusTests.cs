using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>
/// tus 1.0, sentence by sentence: every MUST that binds the server, and the SHOULDs that it keeps. Each test quotes what it is about in its name; the section stands above.
/// </summary>
public sealed class TusTests(TusTests.Fixture shared) : IClassFixture<TusTests.Fixture>
{
    private const long Largest = 64 << 20;

    private static readonly byte[] _movie = new MovieBytes(11, 300_000).ToArray();

    private TusClient Tus => new(shared.Client);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Core protocol: headers.

    [Theory]
    [InlineData("POST", "/api/uploads")]
    [InlineData("HEAD", "/api/uploads/00000000000000000000000000000000")]
    [InlineData("PATCH", "/api/uploads/00000000000000000000000000000000")]
    [InlineData("DELETE", "/api/uploads/nonsense")]
    [InlineData("OPTIONS", "/api/uploads")]
    [InlineData("PUT", "/api/uploads")]
    public async Task Tus_Resumable_is_in_every_response(string method, string path)
    {
        using var answer = await Tus.SendAsync(new HttpMethod(method), path, null);
        Assert.Equal("1.0.0", TusClient.Header(answer, "Tus-Resumable"));
    }

    [Fact]
    public async Task Tus_Resumable_is_in_the_refusal_of_a_stranger_too()
    {
        using var answer = await shared.Client.Http.PostAsync("/api/uploads", null, Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("1.0.0", TusClient.Header(answer, "Tus-Resumable"));
    }

    [Theory]
    [InlineData("0.2.2")]
    [InlineData("1.0.1")]
    [InlineData("")]
    [InlineData(null)]
    public async Task A_version_that_is_not_supported_is_answered_412_with_Tus_Version_and_nothing_is_done(string? version)
    {
        var upload = await Tus.CreateAsync("version.mp4", _movie.Length);
        using (var patch = await Tus.PatchAsync(upload, 0, _movie, ("Tus-Resumable", version)))
        {
            Assert.Equal(HttpStatusCode.PreconditionFailed, patch.StatusCode);
            Assert.Equal("1.0.0", TusClient.Header(patch, "Tus-Version"));
        }

        using (var delete = await Tus.SendAsync(HttpMethod.Delete, upload, null, ("Tus-Resumable", version))) Assert.Equal(HttpStatusCode.PreconditionFailed, delete.StatusCode);
        Assert.Equal(0, await Tus.OffsetAsync(upload));
    }

    [Theory]
    [InlineData("HEAD", HttpStatusCode.OK)]
    [InlineData("patch", HttpStatusCode.NoContent)]
    [InlineData("DELETE", HttpStatusCode.NoContent)]
    public async Task X_HTTP_Method_Override_is_the_method_and_the_actual_one_is_ignored(string method, HttpStatusCode status)
    {
        var upload = await Tus.CreateAsync("override.mp4", 600_000);
        using var answer = await Tus.SendAsync(
            HttpMethod.Post, upload, new ByteArrayContent(_movie), ("Content-Type", TusClient.Octets), ("Upload-Offset", "0"), ("X-HTTP-Method-Override", method));
        Assert.Equal(status, answer.StatusCode);
        if (method == "patch") Assert.Equal(_movie.Length, await Tus.OffsetAsync(upload));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("many")]
    [InlineData("99999999999999999999")]
    [InlineData(" ")]
    public async Task Upload_Offset_and_Upload_Length_are_whole_numbers_not_below_zero(string value)
    {
        using var created = await Tus.PostAsync(null, ("Upload-Length", value), ("Upload-Metadata", TusClient.Metadata("number.mp4")));
        Assert.Equal(HttpStatusCode.BadRequest, created.StatusCode);
        var upload = await Tus.CreateAsync("number.mp4", _movie.Length);
        using var patched = await Tus.PatchAsync(upload, 0, _movie, ("Upload-Offset", value));
        Assert.Equal(HttpStatusCode.BadRequest, patched.StatusCode);
        Assert.Equal(0, await Tus.OffsetAsync(upload));
    }

    // Core protocol: HEAD.

    [Fact]
    public async Task HEAD_always_tells_the_offset_and_the_length_and_is_not_cached()
    {
        var upload = await Tus.CreateAsync("head.mp4", _movie.Length);
        foreach (var offset in (int[])[0, 100_000, _movie.Length])
        {
            if (offset > 0) await Tus.AppendAsync(upload, await Tus.OffsetAsync(upload), _movie.AsMemory((int)await Tus.OffsetAsync(upload)..offset));
            using var head = await Tus.HeadAsync(upload);
            Assert.Equal(HttpStatusCode.OK, head.StatusCode);
            Assert.Equal(offset, TusClient.Number(head, "Upload-Offset"));
            Assert.Equal(_movie.Length, TusClient.Number(head, "Upload-Length"));
            Assert.Equal("no-store", head.Headers.CacheControl?.ToString());
        }
    }

    [Theory]
    [InlineData("/api/uploads/00000000000000000000000000000000")]
    [InlineData("/api/uploads/nonsense")]
    public async Task What_is_not_there_is_answered_404_without_an_offset(string upload)
    {
        using var head = await Tus.HeadAsync(upload);
        Assert.Equal(HttpStatusCode.NotFound, head.StatusCode);
        Assert.Null(TusClient.Header(head, "Upload-Offset"));
        Assert.True(head.Headers.CacheControl!.NoStore);
        using var patch = await Tus.PatchAsync(upload, 0, _movie);
        Assert.Equal(HttpStatusCode.NotFound, patch.StatusCode);
    }

    // Core protocol: PATCH.

    [Fact]
    public async Task PATCH_is_acknowledged_by_204_with_the_sum_of_offset_and_bytes_and_the_last_one_makes_the_movie()
    {
        var upload = await Tus.CreateAsync("patch.mp4", _movie.Length);
        Assert.Null(await shared.Client.FactsAsync("patch.mp4", Cancelled));
        var offset = 0;
        foreach (var length in (int[])[1, 65_535, 65_536, 0, 100_000, _movie.Length - 231_072])
        {
            Assert.Equal(offset + length, await Tus.AppendAsync(upload, offset, _movie.AsMemory(offset, length)));
            offset += length;
        }

        await shared.Client.AssertHoldsAsync("patch.mp4", new MovieBytes(11, _movie.Length), Cancelled);
        Assert.Equal(2, (await shared.Client.FactsAsync("patch.mp4", Cancelled))!.Copies);
        Assert.All(await shared.Client.VerifyAsync("patch.mp4", Cancelled), verdict => Assert.True(verdict.Valid));
        // The one whose last answer was lost asks again.
        Assert.Equal(_movie.Length, await Tus.OffsetAsync(upload));
        Assert.Equal(_movie.Length, await Tus.AppendAsync(upload, _movie.Length, default));
    }

    [Theory]
    [InlineData("application/octet-stream")]
    [InlineData("video/mp4")]
    [InlineData(null)]
    public async Task PATCH_of_another_content_type_is_answered_415(string? type)
    {
        var upload = await Tus.CreateAsync("type.mp4", _movie.Length);
        using var patch = await Tus.PatchAsync(upload, 0, _movie, ("Content-Type", type));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, patch.StatusCode);
        Assert.Equal(0, await Tus.OffsetAsync(upload));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(99_999)]
    [InlineData(100_001)]
    [InlineData(300_000)]
    public async Task PATCH_at_another_offset_is_answered_409_and_changes_nothing(int wrong)
    {
        var upload = await Tus.CreateAsync("offset.mp4", 600_000);
        await Tus.AppendAsync(upload, 0, _movie.AsMemory(0, 100_000));
        using var patch = await Tus.PatchAsync(upload, wrong, _movie);
        Assert.Equal(HttpStatusCode.Conflict, patch.StatusCode);
        Assert.Equal(100_000, TusClient.Number(patch, "Upload-Offset"));
        var problem = await patch.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
        Assert.Equal("urn:mdfs:problem:offset-mismatch", problem.GetProperty("type").GetString());
        Assert.Equal(100_000, await Tus.OffsetAsync(upload));
    }

    [Fact]
    public async Task More_bytes_than_the_length_are_refused_with_and_without_an_announced_body()
    {
        var upload = await Tus.CreateAsync("more.mp4", 100_000);
        using (var patch = await Tus.PatchAsync(upload, 0, _movie)) Assert.Equal(HttpStatusCode.RequestEntityTooLarge, patch.StatusCode);
        Assert.Equal(0, await Tus.OffsetAsync(upload));
        using (var chunked = await Tus.PatchAsync(upload, 0, new Chunked(_movie))) Assert.Equal(HttpStatusCode.RequestEntityTooLarge, chunked.StatusCode);
        Assert.Null(await shared.Client.FactsAsync("more.mp4", Cancelled));
    }

    // Core protocol: OPTIONS.

    [Theory]
    [InlineData("/api/uploads", "1.0.0")]
    [InlineData("/api/uploads", "7.7.7")]
    [InlineData("/api/uploads/00000000000000000000000000000000", null)]
    public async Task OPTIONS_tells_versions_extensions_size_and_algorithms_to_anybody_whatever_version_is_asked_for(string path, string? version)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, path);
        if (version is not null) request.Headers.Add("Tus-Resumable", version);
        using var answer = await shared.Client.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal("1.0.0", TusClient.Header(answer, "Tus-Version"));
        Assert.Equal(Largest, TusClient.Number(answer, "Tus-Max-Size"));
        var extensions = TusClient.Header(answer, "Tus-Extension")!.Split(',');
        foreach (var extension in (string[])["creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum", "checksum-trailer", "termination", "concatenation"]) Assert.Contains(extension, extensions);
        Assert.Equal("sha1,sha256,crc32", TusClient.Header(answer, "Tus-Checksum-Algorithm"));
    }

    // Creation.

    [Fact]
    public async Task POST_is_acknowledged_by_201_with_a_location()
    {
        using var created = await Tus.PostAsync(null, ("Upload-Length", "100"), ("Upload-Metadata", TusClient.Metadata("a.mp4")));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Matches("^/api/uploads/[0-9a-f]{32}$", created.Headers.Location!.ToString());
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("100", "1")]
    [InlineData(null, "0")]
    [InlineData(null, "2")]
    [InlineData(null, "true")]
    public async Task POST_needs_a_length_or_the_word_that_it_comes_later(string? length, string? defer)
    {
        using var created = await Tus.PostAsync(null, ("Upload-Length", length), ("Upload-Defer-Length", defer), ("Upload-Metadata", TusClient.Metadata("a.mp4")));
        Assert.Equal(HttpStatusCode.BadRequest, created.StatusCode);
    }

    [Fact]
    public async Task An_empty_movie_is_complete_with_its_creation()
    {
        var upload = await Tus.CreateAsync("empty.mp4", 0);
        Assert.Equal(0, (await shared.Client.FactsAsync("empty.mp4", Cancelled))!.Size);
        Assert.Equal(0, await Tus.OffsetAsync(upload));
    }

    [Fact]
    public async Task Metadata_come_back_as_they_were_given()
    {
        var metadata = $"{TusClient.Metadata("Ünïcode \"x\".mp4")},filetype {Convert.ToBase64String("video/mp4"u8)},is_confidential";
        var upload = await Tus.CreateAsync("", 100, ("Upload-Metadata", metadata));
        using var head = await Tus.HeadAsync(upload);
        Assert.Equal(metadata, TusClient.Header(head, "Upload-Metadata"));
    }

    [Theory]
    [InlineData("filename")]
    [InlineData("filename !!!")]
    [InlineData("filename YS5tcDQ=,filename YS5tcDQ=")]
    [InlineData("filename YS5tcDQ= more")]
    [InlineData("filename YS5tcDQ=,,")]
    [InlineData("filetype dmlkZW8vbXA0")]
    [InlineData("filename Li4vLi4vZXRjL3Bhc3N3ZA==")]
    [InlineData("filename /w==")]
    [InlineData("filename YS5leGU=")]
    [InlineData(null)]
    public async Task Metadata_that_break_the_rules_and_names_that_are_none_are_refused_before_any_byte(string? metadata)
    {
        using var created = await Tus.PostAsync(new ByteArrayContent(_movie), ("Upload-Length", "300000"), ("Upload-Metadata", metadata), ("Content-Type", TusClient.Octets));
        Assert.Equal(HttpStatusCode.BadRequest, created.StatusCode);
        Assert.Null(created.Headers.Location);
        var problem = await created.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
        Assert.Contains(problem.GetProperty("type").GetString(), (string[])["urn:mdfs:problem:bad-name", "urn:mdfs:problem:bad-upload-header"]);
    }

    [Fact]
    public async Task An_upload_beyond_the_largest_is_answered_413()
    {
        using var created = await Tus.PostAsync(null, ("Upload-Length", Text(Largest + 1)), ("Upload-Metadata", TusClient.Metadata("large.mp4")));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, created.StatusCode);
    }

    // Creation, deferred length.

    [Fact]
    public async Task A_deferred_length_is_told_as_deferred_until_it_is_set_and_never_changes_then()
    {
        using var created = await Tus.PostAsync(null, ("Upload-Defer-Length", "1"), ("Upload-Metadata", TusClient.Metadata("defer.mp4")));
        var upload = created.Headers.Location!.ToString();
        using (var head = await Tus.HeadAsync(upload))
        {
            Assert.Equal(("1", null, 0L), (TusClient.Header(head, "Upload-Defer-Length"), TusClient.Header(head, "Upload-Length"), TusClient.Number(head, "Upload-Offset")));
        }

        await Tus.AppendAsync(upload, 0, _movie.AsMemory(0, 100_000));
        using (var head = await Tus.HeadAsync(upload)) Assert.Equal("1", TusClient.Header(head, "Upload-Defer-Length"));
        using (var shorter = await Tus.PatchAsync(upload, 100_000, _movie.AsMemory(100_000, 1), ("Upload-Length", "99999"))) Assert.Equal(HttpStatusCode.BadRequest, shorter.StatusCode);
        using (var larger = await Tus.PatchAsync(upload, 100_000, _movie.AsMemory(100_000, 1), ("Upload-Length", Text(Largest + 1)))) Assert.Equal(HttpStatusCode.RequestEntityTooLarge, larger.StatusCode);
        using (var known = await Tus.PatchAsync(upload, 100_000, _movie.AsMemory(100_000, 50_000), ("Upload-Length", "300000"))) Assert.Equal(HttpStatusCode.NoContent, known.StatusCode);
        using (var head = await Tus.HeadAsync(upload)) Assert.Equal((null, 300_000L), (TusClient.Header(head, "Upload-Defer-Length"), TusClient.Number(head, "Upload-Length")));
        using (var changed = await Tus.PatchAsync(upload, 150_000, _movie.AsMemory(150_000), ("Upload-Length", "300001"))) Assert.Equal(HttpStatusCode.BadRequest, changed.StatusCode);
        await Tus.AppendAsync(upload, 150_000, _movie.AsMemory(150_000));
        await shared.Client.AssertHoldsAsync("defer.mp4", new MovieBytes(11, _movie.Length), Cancelled);
    }

    [Fact]
    public async Task A_deferred_length_that_comes_alone_at_the_end_makes_the_movie()
    {
        using var created = await Tus.PostAsync(null, ("Upload-Defer-Length", "1"), ("Upload-Metadata", TusClient.Metadata("at the end.mp4")));
        var upload = created.Headers.Location!.ToString();
        await Tus.AppendAsync(upload, 0, _movie);
        Assert.Null(await shared.Client.FactsAsync("at the end.mp4", Cancelled));
        using (var told = await Tus.PatchAsync(upload, 300_000, default(ReadOnlyMemory<byte>), ("Upload-Length", "300000"))) Assert.Equal(HttpStatusCode.NoContent, told.StatusCode);
        await shared.Client.AssertHoldsAsync("at the end.mp4", new MovieBytes(11, _movie.Length), Cancelled);
    }

    // Creation with upload.

    [Theory]
    [InlineData(1)]
    [InlineData(150_000)]
    [InlineData(300_000)]
    public async Task Creation_with_upload_tells_the_offset_after_the_bytes_it_took(int part)
    {
        var name = Text(part) + " first.mp4";
        using var created = await Tus.PostAsync(
            new ByteArrayContent(_movie, 0, part), ("Upload-Length", "300000"), ("Upload-Metadata", TusClient.Metadata(name)), ("Content-Type", TusClient.Octets));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal(part, TusClient.Number(created, "Upload-Offset"));
        if (part < _movie.Length) await Tus.AppendAsync(created.Headers.Location!.ToString(), part, _movie.AsMemory(part));
        await shared.Client.AssertHoldsAsync(name, new MovieBytes(11, _movie.Length), Cancelled);
    }

    [Fact]
    public async Task Creation_with_upload_of_another_content_type_is_refused_and_nothing_is_created()
    {
        using var created = await Tus.PostAsync(new ByteArrayContent(_movie), ("Upload-Length", "300000"), ("Upload-Metadata", TusClient.Metadata("a.mp4")), ("Content-Type", "video/mp4"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, created.StatusCode);
        Assert.Null(created.Headers.Location);
    }

    // Expiration.

    [Fact]
    public async Task Upload_Expires_is_an_HTTP_date_in_the_future_in_the_answers_to_POST_PATCH_and_HEAD()
    {
        using var created = await Tus.PostAsync(null, ("Upload-Length", "300000"), ("Upload-Metadata", TusClient.Metadata("expires.mp4")));
        var upload = created.Headers.Location!.ToString();
        using var patched = await Tus.PatchAsync(upload, 0, _movie.AsMemory(0, 1000));
        using var head = await Tus.HeadAsync(upload);
        foreach (var answer in (HttpResponseMessage[])[created, patched, head])
        {
            var expires = DateTimeOffset.ParseExact(TusClient.Header(answer, "Upload-Expires")!, "r", CultureInfo.InvariantCulture);
            Assert.InRange(expires - DateTimeOffset.UtcNow, TimeSpan.FromHours(23), TimeSpan.FromHours(25));
        }
    }

    // Checksum.

    [Theory]
    [InlineData("sha1")]
    [InlineData("sha256")]
    [InlineData("crc32")]
    public async Task A_checksum_that_agrees_is_acknowledged_and_one_that_does_not_is_answered_460_and_the_piece_discarded(string algorithm)
    {
        var name = algorithm + ".mp4";
        var upload = await Tus.CreateAsync(name, _movie.Length);
        await Tus.AppendAsync(upload, 0, _movie.AsMemory(0, 70_000));
        var piece = _movie.AsMemory(70_000, 100_000);
        using (var wrong = await Tus.PatchAsync(upload, 70_000, piece, ("Upload-Checksum", $"{algorithm} {Hash(algorithm, _movie.AsSpan(0, 100_000))}")))
        {
            Assert.Equal(460, (int)wrong.StatusCode);
        }

        Assert.Equal(70_000, await Tus.OffsetAsync(upload));
        using (var right = await Tus.PatchAsync(upload, 70_000, piece, ("Upload-Checksum", $"{algorithm} {Hash(algorithm, piece.Span)}")))
        {
            Assert.Equal(HttpStatusCode.NoContent, right.StatusCode);
            Assert.Equal(170_000, TusClient.Number(right, "Upload-Offset"));
        }

        await Tus.AppendAsync(upload, 170_000, _movie.AsMemory(170_000));
        await shared.Client.AssertHoldsAsync(name, new MovieBytes(11, _movie.Length), Cancelled);
    }

    [Theory]
    [InlineData("md5 1B2M2Y8AsgTpgAmY7PhCfg==")]
    [InlineData("SHA1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")]
    [InlineData("sha1")]
    [InlineData("sha1 ???")]
    [InlineData("sha1 AAAA")]
    public async Task A_checksum_by_another_algorithm_or_that_is_none_is_answered_400_and_the_piece_discarded(string checksum)
    {
        var upload = await Tus.CreateAsync("unknown sum.mp4", _movie.Length);
        using var patch = await Tus.PatchAsync(upload, 0, _movie, ("Upload-Checksum", checksum));
        Assert.Equal(HttpStatusCode.BadRequest, patch.StatusCode);
        Assert.Equal(0, await Tus.OffsetAsync(upload));
    }

    [Theory]
    [InlineData(true, 204)]
    [InlineData(false, 460)]
    public async Task A_checksum_may_come_as_a_trailer(bool right, int status)
    {
        var upload = await Tus.CreateAsync("trailer.mp4", 600_000);
        var sum = Hash("sha1", right ? _movie : _movie.AsSpan(1));
        using var connection = await RawConnection.OpenAsync(shared.Client.Master, Cancelled);
        await connection.WriteAsync(
            $"PATCH {upload} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TestCluster.AdminKey}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            + $"Content-Type: {TusClient.Octets}\r\nTransfer-Encoding: chunked\r\nTrailer: Upload-Checksum\r\nConnection: close\r\n\r\n{_movie.Length:x}\r\n", Cancelled);
        await connection.WriteAsync(_movie, Cancelled);
        await connection.WriteAsync($"\r\n0\r\nUpload-Checksum: sha1 {sum}\r\n\r\n", Cancelled);
        Assert.StartsWith($"HTTP/1.1 {status} ", await connection.ReadToEndAsync(Cancelled), StringComparison.Ordinal);
        Assert.Equal(right ? _movie.Length : 0, await Tus.OffsetAsync(upload));
    }

    // Termination.

    [Fact]
    public async Task DELETE_is_answered_204_frees_the_bytes_and_the_upload_is_gone()
    {
        var upload = await Tus.CreateAsync("terminated.mp4", _movie.Length);
        await Tus.AppendAsync(upload, 0, _movie.AsMemory(0, 200_000));
        Assert.Contains(shared.Incoming(), file => file.EndsWith(upload[^32..], StringComparison.Ordinal));
        using (var deleted = await Tus.SendAsync(HttpMethod.Delete, upload, null)) Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        foreach (var method in (HttpMethod[])[HttpMethod.Head, HttpMethod.Delete])
        {
            using var again = await Tus.SendAsync(method, upload, null);
            Assert.Equal(HttpStatusCode.Gone, again.StatusCode);
        }

        using (var patch = await Tus.PatchAsync(upload, 200_000, _movie.AsMemory(200_000))) Assert.Equal(HttpStatusCode.Gone, patch.StatusCode);
        await Eventually.TrueAsync(() => !shared.Incoming().Any(file => file.Contains(upload[^32..], StringComparison.Ordinal)), "the bytes are freed", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task Terminating_an_upload_that_became_a_movie_leaves_the_movie()
    {
        var upload = await Tus.CreateAsync("stays.mp4", _movie.Length);
        await Tus.AppendAsync(upload, 0, _movie);
        using (var deleted = await Tus.SendAsync(HttpMethod.Delete, upload, null)) Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await shared.Client.AssertHoldsAsync("stays.mp4", new MovieBytes(11, _movie.Length), Cancelled);
    }

    // Concatenation.

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Parts_become_one_movie_in_the_order_of_the_list_by_absolute_and_relative_addresses(bool named)
    {
        var name = $"joined {named}.mp4";
        // Not at the ends of blocks, one of them empty, and uploaded in another order.
        (int From, int To)[] ranges = [(0, 100_001), (100_001, 100_001), (100_001, 165_536), (165_536, 300_000)];
        var parts = new string[ranges.Length];
        foreach (var i in (int[])[2, 0, 3, 1])
        {
            using var created = await Tus.PostAsync(
                null, ("Upload-Concat", "partial"), ("Upload-Length", Text(ranges[i].To - ranges[i].From)), ("Upload-Metadata", named ? TusClient.Metadata(name) : null));
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);
            parts[i] = created.Headers.Location!.ToString();
            if (ranges[i].To > ranges[i].From) await Tus.AppendAsync(parts[i], 0, _movie.AsMemory(ranges[i].From..ranges[i].To));
            using var head = await Tus.HeadAsync(parts[i]);
            Assert.Equal(("partial", ranges[i].To - ranges[i].From), (TusClient.Header(head, "Upload-Concat"), TusClient.Number(head, "Upload-Offset")));
        }

        Assert.Null(await shared.Client.FactsAsync(name, Cancelled));
        parts[0] = new Uri(shared.Client.Master, parts[0]).ToString();
        var concat = "final;" + string.Join(' ', parts);
        using var joined = await Tus.PostAsync(null, ("Upload-Concat", concat), ("Upload-Metadata", TusClient.Metadata(name)));
        Assert.True(joined.StatusCode == HttpStatusCode.Created, await joined.Content.ReadAsStringAsync(Cancelled));
        await shared.Client.AssertHoldsAsync(name, new MovieBytes(11, _movie.Length), Cancelled);
        Assert.Equal([true, true], (await shared.Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));

        var upload = joined.Headers.Location!.ToString();
        using (var head = await Tus.HeadAsync(upload))
        {
            Assert.Equal((concat, 300_000L, 300_000L), (TusClient.Header(head, "Upload-Concat"), TusClient.Number(head, "Upload-Offset"), TusClient.Number(head, "Upload-Length")));
            Assert.Equal(TusClient.Metadata(name), TusClient.Header(head, "Upload-Metadata"));
        }

        using (var patch = await Tus.PatchAsync(upload, 300_000, new byte[1])) Assert.Equal(HttpStatusCode.Forbidden, patch.StatusCode);
        // Whoever did not hear the answer asks again.
        using (var again = await Tus.PostAsync(null, ("Upload-Concat", concat), ("Upload-Metadata", TusClient.Metadata(name)))) Assert.Equal((HttpStatusCode.Created, upload), (again.StatusCode, again.Headers.Location!.ToString()));
        await Eventually.TrueAsync(
            () => parts.All(part => !shared.Incoming().Any(file => file.Contains(part[^32..], StringComparison.Ordinal))), "the parts are used up", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task A_part_may_stand_in_the_list_twice()
    {
        using var created = await Tus.PostAsync(new ByteArrayContent(_movie), ("Upload-Concat", "partial"), ("Upload-Length", "300000"), ("Content-Type", TusClient.Octets));
        var part = created.Headers.Location!.ToString();
        using var joined = await Tus.PostAsync(null, ("Upload-Concat", $"final;{part} {part}"), ("Upload-Metadata", TusClient.Metadata("doubled.mp4")));
        Assert.Equal(HttpStatusCode.Created, joined.StatusCode);
        Assert.Equal(_movie.Concat(_movie), await shared.Client.Http.GetByteArrayAsync(MdfsClient.DownloadPath("doubled.mp4"), Cancelled));
    }

    [Theory]
    [InlineData("final;", 400)]
    [InlineData("final;/api/uploads/00000000000000000000000000000000", 400)]
    [InlineData("final;/elsewhere/00000000000000000000000000000000", 400)]
    [InlineData("final;http://elsewhere.example/", 400)]
    [InlineData("Partial", 400)]
    [InlineData("", 400)]
    public async Task What_names_no_parts_is_refused(string concat, int status)
    {
        using var joined = await Tus.PostAsync(null, ("Upload-Concat", concat), ("Upload-Metadata", TusClient.Metadata("none.mp4")));
        Assert.Equal(status, (int)joined.StatusCode);
    }

    [Fact]
    public async Task Parts_that_lack_bytes_and_uploads_that_are_no_parts_and_a_length_are_refused_and_the_parts_stay()
    {
        using var created = await Tus.PostAsync(null, ("Upload-Concat", "partial"), ("Upload-Length", "300000"));
        var part = created.Headers.Location!.ToString();
        await Tus.AppendAsync(part, 0, _movie.AsMemory(0, 1000));
        using (var early = await Tus.PostAsync(null, ("Upload-Concat", $"final;{part}"), ("Upload-Metadata", TusClient.Metadata("early.mp4")))) Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        await Tus.AppendAsync(part, 1000, _movie.AsMemory(1000));
        var whole = await Tus.CreateAsync("no part.mp4", 1000);
        using (var wrong = await Tus.PostAsync(null, ("Upload-Concat", $"final;{part} {whole}"), ("Upload-Metadata", TusClient.Metadata("early.mp4")))) Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        using (var length = await Tus.PostAsync(null, ("Upload-Concat", $"final;{part}"), ("Upload-Length", "300000"), ("Upload-Metadata", TusClient.Metadata("early.mp4"))))
            Assert.Equal(HttpStatusCode.BadRequest, length.StatusCode);
        using (var nameless = await Tus.PostAsync(null, ("Upload-Concat", $"final;{part}"))) Assert.Equal(HttpStatusCode.BadRequest, nameless.StatusCode);
        Assert.Null(await shared.Client.FactsAsync("early.mp4", Cancelled));
        using (var joined = await Tus.PostAsync(null, ("Upload-Concat", $"final;{part}"), ("Upload-Metadata", TusClient.Metadata("early.mp4")))) Assert.Equal(HttpStatusCode.Created, joined.StatusCode);
        await shared.Client.AssertHoldsAsync("early.mp4", new MovieBytes(11, _movie.Length), Cancelled);
    }

    private static string Hash(string algorithm, ReadOnlySpan<byte> bytes)
    {
        if (algorithm == "sha256") return Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(bytes));
        if (algorithm == "crc32") return Convert.ToBase64String(Convert.FromHexString(System.IO.Hashing.Crc32.HashToUInt32(bytes).ToString("x8", CultureInfo.InvariantCulture)));
#pragma warning disable CA5350 // The protocol asks for it.
        return Convert.ToBase64String(System.Security.Cryptography.SHA1.HashData(bytes));
#pragma warning restore CA5350
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A body that does not say how long it is.</summary>
    private sealed class Chunked(byte[] bytes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    public sealed class Fixture : SharedCluster
    {
        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:MaxFileSize", $"{Largest}")];
    }
}
