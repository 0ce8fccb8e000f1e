using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>Uploads that end badly leave nothing (design, sections 4 and 9).</summary>
public sealed class UploadRefusalTests(UploadRefusalTests.Fixture shared) : IClassFixture<UploadRefusalTests.Fixture>
{
    private const int Largest = 8 << 20;

    private static readonly byte[] _bytes = new MovieBytes(1, 300_000).ToArray();

    [Fact]
    public async Task A_checksum_that_agrees_is_taken()
    {
        var crc = System.IO.Hashing.Crc32.HashToUInt32(_bytes).ToString("x8", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(HttpStatusCode.Created, (await PutAsync("crc.mp4", ("X-Mdfs-Checksum", crc.ToUpperInvariant()))).Status);
        Assert.Equal(crc, (await Client.FactsAsync("crc.mp4", Cancelled))!.Checksum);
        Assert.Equal(HttpStatusCode.Created, (await PutAsync("sha.mp4", ("Repr-Digest", $"sha-256=:{Convert.ToBase64String(SHA256.HashData(_bytes))}:"))).Status);
        Assert.Equal(_bytes, await Client.Http.GetByteArrayAsync(MdfsClient.DownloadPath("sha.mp4"), Cancelled));
    }

    [Theory]
    [InlineData("X-Mdfs-Checksum", "00000000", 422)]
    [InlineData("Repr-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:", 422)]
    [InlineData("X-Mdfs-Checksum", "no checksum", 400)]
    [InlineData("Repr-Digest", "sha-256=:AAAA:", 400)]
    [InlineData("Content-Range", "bytes 0-299999/600000", 400)]
    public async Task What_the_client_expects_and_did_not_send_is_refused_and_an_older_version_stays(string header, string value, int status)
    {
        var older = new MovieBytes(9, 1_000);
        await Client.StoreAsync("expected.mp4", older, Cancelled);
        var (answer, type) = await PutAsync("expected.mp4", (header, value));
        Assert.Equal(status, (int)answer);
        Assert.StartsWith("urn:mdfs:problem:", type, StringComparison.Ordinal);
        if (status == 422) Assert.Equal("urn:mdfs:problem:checksum-mismatch", type);
        await Client.AssertHoldsAsync("expected.mp4", older, Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, (await PutAsync("never.mp4", (header, value), probe: true)).Status);
        await NothingLeftAsync();
    }

    [Theory]
    [InlineData("X-Mdfs-Checksum", "00000000", 422)]
    [InlineData("Repr-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:", 422)]
    [InlineData("X-Mdfs-Checksum", "no checksum", 400)]
    [InlineData("Repr-Digest", "sha-256=:AAAA:", 400)]
    [InlineData("X-Mdfs-Checksum", null, 200)]
    [InlineData("Repr-Digest", null, 200)]
    public async Task What_the_client_of_a_form_expects_is_checked_too(string header, string? value, int status)
    {
        var name = $"form {header} {status}.mp4";
        using var form = new MultipartFormDataContent("b") { { new ByteArrayContent(_bytes), "movie", name } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/upload") { Content = form };
        request.Headers.Authorization = Client.Admin;
        request.Headers.TryAddWithoutValidation(header, value ?? (header == "X-Mdfs-Checksum"
            ? System.IO.Hashing.Crc32.HashToUInt32(_bytes).ToString("x8", System.Globalization.CultureInfo.InvariantCulture)
            : $"sha-256=:{Convert.ToBase64String(SHA256.HashData(_bytes))}:"));
        using var response = await Client.Http.SendAsync(request, Cancelled);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 200, await Client.FactsAsync(name, Cancelled) is not null);
        await NothingLeftAsync();
    }

    [Theory]
    [InlineData("video/mp4")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("no type")]
    public async Task A_movie_is_stored_whatever_its_type_is_called(string type)
    {
        Assert.Equal(HttpStatusCode.Created, (await PutAsync($"as {type.Replace('/', ' ')}.mp4", ("Content-Type", type))).Status);
    }

    [Fact]
    public async Task A_movie_that_is_sent_in_a_coding_is_not_taken_for_the_movie()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath("coded.mp4")) { Content = new ByteArrayContent(_bytes) };
        request.Headers.Authorization = Client.Admin;
        request.Content.Headers.ContentEncoding.Add("gzip");
        using var response = await Client.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains("urn:mdfs:problem:coded-body", await response.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        Assert.Equal("identity", string.Join(", ", response.Headers.GetValues("Accept-Encoding")));
    }

    [Fact]
    public async Task A_movie_that_is_said_to_be_in_no_coding_is_stored()
    {
        Assert.Equal(HttpStatusCode.Created, (await PutAsync("not coded.mp4", ("Content-Encoding", "Identity"))).Status);
    }

    [Fact]
    public async Task A_stranger_hears_of_the_missing_key_whatever_the_type()
    {
        using var content = new ByteArrayContent(_bytes);
        content.Headers.TryAddWithoutValidation("Content-Type", "video/mp4");
        using var response = await Client.Http.PutAsync(MdfsClient.FilePath("stranger.mp4"), content, Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    public enum Way
    {
        Length,
        Chunked,
        Form,
    }

    [Theory]
    [InlineData(Way.Length)]
    [InlineData(Way.Chunked)]
    [InlineData(Way.Form)]
    public async Task A_client_that_dies_in_the_middle_leaves_nothing(Way way)
    {
        var name = $"cut {way}.mp4";
        using var connection = await RawConnection.OpenAsync(Client.Master, Cancelled);
        await connection.WriteAsync(Head(way, name, length: 4 << 20), Cancelled);
        var half = new MovieBytes(2, 2 << 20).ToArray();
        if (way == Way.Form) await connection.WriteAsync($"--b\r\nContent-Disposition: form-data; name=\"movie\"; filename=\"{name}\"\r\n\r\n", Cancelled);
        if (way == Way.Chunked) await connection.WriteAsync($"{half.Length:x}\r\n", Cancelled);
        await connection.WriteAsync(half, Cancelled);
        await Eventually.TrueAsync(() => shared.Incoming().Any(), "bytes are on their way", MdfsClient.Patience, Cancelled);
        connection.Cut();

        await NothingLeftAsync();
        Assert.Null(await Client.FactsAsync(name, Cancelled));
    }

    [Theory]
    [InlineData(Way.Length)]
    [InlineData(Way.Chunked)]
    [InlineData(Way.Form)]
    public async Task A_body_that_ends_early_under_a_client_that_listens_is_refused_not_answered_as_stored(Way way)
    {
        var name = $"short {way}.mp4";
        using var connection = await RawConnection.OpenAsync(Client.Master, Cancelled);
        var part = $"--b\r\nContent-Disposition: form-data; name=\"movie\"; filename=\"{name}\"\r\n\r\n0123456789";
        await connection.WriteAsync(Head(way, name, way == Way.Form ? part.Length : 20), Cancelled);
        await connection.WriteAsync(way switch { Way.Form => part, Way.Chunked => "a\r\n0123456789\r\nthis is no chunk\r\n", _ => "0123456789" }, Cancelled);
        if (way == Way.Length) connection.EndWriting();

        var answer = await connection.ReadToEndAsync(Cancelled);
        Assert.DoesNotContain("HTTP/1.1 2", answer);
        if (way != Way.Length) Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        await NothingLeftAsync();
        Assert.Null(await Client.FactsAsync(name, Cancelled));
    }

    [Theory]
    [InlineData(Largest + 1, false)]
    [InlineData(Largest + 1, true)]
    [InlineData(Largest + (4 << 20), true)]
    public async Task A_movie_larger_than_allowed_is_refused_whether_or_not_its_length_was_announced(int size, bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath("large.mp4")) { Content = new StreamContent(new MovieBytes(3, size).Open()) };
        request.Headers.Authorization = Client.Admin;
        request.Headers.ExpectContinue = !chunked;
        if (chunked) request.Headers.TransferEncodingChunked = true;
        else request.Content.Headers.ContentLength = size;
        HttpStatusCode? status = null;
        try
        {
            using var response = await Client.Http.SendAsync(request, Cancelled);
            status = response.StatusCode;
        }
        catch (HttpRequestException) when (chunked)
        {
            // The server may close before the client has said all it wanted to say.
        }
        if (status is { } answered) Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answered);
        await NothingLeftAsync();
        Assert.Null(await Client.FactsAsync("large.mp4", Cancelled));
    }

    [Fact]
    public async Task A_movie_of_exactly_the_largest_size_and_an_empty_one_are_taken()
    {
        foreach (var size in (int[])[Largest, 0])
        {
            var movie = new MovieBytes(4, size);
            Assert.Equal(2, await Client.StoreAsync($"size {size}.mp4", movie, Cancelled));
            await Client.AssertHoldsAsync($"size {size}.mp4", movie, Cancelled);
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    private static string Head(Way way, string name, int length)
    {
        var target = way == Way.Form ? "POST /upload" : $"PUT /api/files/{Uri.EscapeDataString(name)}";
        var framing = way switch
        {
            Way.Chunked => "Transfer-Encoding: chunked",
            Way.Form => $"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}",
            _ => $"Content-Length: {length}",
        };
        return $"{target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TestCluster.AdminKey}\r\nConnection: close\r\n{framing}\r\n\r\n";
    }

    /// <param name="probe">Afterwards asks whether the movie is there, and answers with that.</param>
    private async Task<(HttpStatusCode Status, string Type)> PutAsync(string name, (string Name, string Value) header, bool probe = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath(name)) { Content = new ByteArrayContent(_bytes) };
        request.Headers.Authorization = Client.Admin;
        if (header.Name.StartsWith("Content-", StringComparison.Ordinal)) request.Content.Headers.TryAddWithoutValidation(header.Name, header.Value);
        else request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        using var response = await Client.Http.SendAsync(request, Cancelled);
        if (probe)
        {
            using var facts = await Client.Http.GetAsync(MdfsClient.FilePath(name), Cancelled);
            return (facts.StatusCode, "");
        }
        var json = await response.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
        return (response.StatusCode, json.TryGetProperty("type", out var type) ? type.GetString()! : "");
    }

    private Task NothingLeftAsync() => Eventually.TrueAsync(() => !shared.Incoming().Any(), "nothing is left of the upload", MdfsClient.Patience, Cancelled);

    public sealed class Fixture : SharedCluster
    {
        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:MaxFileSize", $"{Largest}")];
    }
}
