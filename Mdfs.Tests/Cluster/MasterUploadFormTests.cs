using System.Net;
using System.Net.Sockets;
using System.Text;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>
/// The classic form as clients, broken clients and hostile ones send it, to a master without workers: whoever gets as far as the movie is told that
/// there is nobody to take it.
/// </summary>
public sealed class MasterUploadFormTests : IAsyncLifetime
{
    private const string NobodyTakesIt = "No worker can take the movie";
    private MasterRig _rig = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _rig = await MasterRig.StartAsync();

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task A_key_in_front_of_the_file_is_enough() =>
        Assert.Equal((503, true), await PostAsync(Form(Field("secret", MasterRig.AdminKey), File("film.mp4"))));

    [Fact]
    public async Task A_key_behind_the_file_is_refused_with_a_sentence_that_says_what_to_do()
    {
        using var answer = await SendAsync(Form(File("film.mp4"), Field("secret", MasterRig.AdminKey)));
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("before the file", await answer.Content.ReadAsStringAsync(Cancelled));
    }

    [Theory]
    [InlineData("X-Mdfs-Secret", MasterRig.AdminKey)]
    [InlineData("Authorization", "Bearer " + MasterRig.AdminKey)]
    public async Task A_key_in_a_header_allows_any_order(string header, string value) =>
        Assert.Equal((503, true), await PostAsync(Form(File("film.mp4"), Field("secret", "")), header: (header, value)));

    [Fact]
    public async Task A_key_in_the_query_allows_any_order() =>
        Assert.Equal((503, true), await PostAsync(Form(File("film.mp4")), query: "?secret=" + MasterRig.AdminKey));

    [Fact]
    public async Task A_wrong_key_is_what_the_original_said()
    {
        using var answer = await SendAsync(Form(Field("secret", "wrong"), File("film.mp4")));
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Unauthorized", await answer.Content.ReadAsStringAsync(Cancelled));
    }

    [Theory]
    [InlineData("filename=\"film.mp4\"")]
    [InlineData("filename=film.mp4")]
    [InlineData("filename=\"a \\\"quoted\\\" film.mp4\"")]
    [InlineData("filename=\"../x.mp4\"; filename*=UTF-8''%E7%94%B5%E5%BD%B1.mp4")]
    [InlineData("filename=\"\u7535\u5f71 \ud83c\udfac.mp4\"")]
    [InlineData("filename=\"%2e%2e%2fx.mp4\"")]
    [InlineData("filename=\"cafe\u0301.mp4\"")]
    public async Task A_good_name_is_taken_in_every_way_of_writing_it(string disposition) =>
        Assert.Equal((503, true), await PostAsync(Form(Field("secret", MasterRig.AdminKey), Part($"form-data; name=\"movie\"; {disposition}", "bytes"))));

    [Theory]
    [InlineData("filename=\"../../x.mp4\"")]
    [InlineData("filename=\"..\\\\x.mp4\"")]
    [InlineData("filename=\"C:\\Videos\\film.mp4\"")]
    [InlineData("filename=\"\"")]
    [InlineData("filename=\"film.exe\"")]
    [InlineData("filename=\"film\"")]
    [InlineData("filename=\".mp4 \"")]
    [InlineData("filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x.mp4")]
    [InlineData("filename*=UTF-8''..%2Fx.mp4")]
    [InlineData("filename*=UTF-8''a%00b.mp4")]
    public async Task A_bad_name_is_refused_before_a_byte_of_the_movie_is_read(string disposition) =>
        Assert.Equal((400, false), await PostAsync(Form(Field("secret", MasterRig.AdminKey), Part($"form-data; name=\"movie\"; {disposition}", "bytes"))));

    [Fact]
    public async Task Names_end_at_255_bytes_not_characters()
    {
        var fits = new string('\u00e9', 125) + "x.mp4";
        Assert.Equal(255, Encoding.UTF8.GetByteCount(fits));
        Assert.Equal((503, true), await PostAsync(Form(Field("secret", MasterRig.AdminKey), File(fits))));
        Assert.Equal((400, false), await PostAsync(Form(Field("secret", MasterRig.AdminKey), File("x" + fits))));
    }

    [Theory]
    [InlineData("--b\r\nno colon here\r\n\r\nx\r\n--b--\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"secret\"\r\n\r\nnever ends")]
    [InlineData("")]
    [InlineData("nothing of a form")]
    public async Task A_form_that_cannot_be_read_is_the_clients_mistake_and_not_ours(string body) =>
        Assert.Equal((400, false), await PostAsync(Encoding.UTF8.GetBytes(body), header: ("X-Mdfs-Secret", MasterRig.AdminKey)));

    [Fact]
    public async Task Too_many_headers_in_a_part_are_the_clients_mistake()
    {
        var headers = string.Concat(Enumerable.Range(0, 100).Select(i => $"X-{i}: y\r\n"));
        var body = Encoding.UTF8.GetBytes($"--b\r\n{headers}Content-Disposition: form-data; name=\"movie\"; filename=\"film.mp4\"\r\n\r\nx\r\n--b--\r\n");
        Assert.Equal((400, false), await PostAsync(body, header: ("X-Mdfs-Secret", MasterRig.AdminKey)));
    }

    [Fact]
    public async Task A_form_without_the_file_field_names_it()
    {
        using var answer = await SendAsync(Form(Field("secret", MasterRig.AdminKey), Part("form-data; name=\"film\"; filename=\"film.mp4\"", "x")));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("'movie'", await answer.Content.ReadAsStringAsync(Cancelled));
    }

    [Fact]
    public async Task What_is_no_form_is_refused_and_without_a_key_first_for_that()
    {
        using var keyless = await _rig.Client.PostAsync("/upload", new StringContent("x"), Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, keyless.StatusCode);
        using var answer = await _rig.Admin.PostAsync("/upload", new StringContent("x"), Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "name=film.mp4&secret=wrong", 401)]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nbroken", 400)]
    public async Task A_form_for_a_deletion_is_read_with_the_same_care(string type, string body, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/delete") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await _rig.Client.SendAsync(request, Cancelled);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_never_answered_as_if_it_had_been_stored()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, _rig.Client.BaseAddress!.Port, Cancelled);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /api/files/film.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {MasterRig.AdminKey}\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n"), Cancelled);
        using var reader = new StreamReader(stream);
        var status = await reader.ReadLineAsync(Cancelled);
        Assert.DoesNotContain(" 20", status ?? "");
    }

    private static byte[] Form(params IEnumerable<string> parts) => Encoding.UTF8.GetBytes(string.Concat(parts) + "--b--\r\n");

    private static string Field(string name, string value) => Part($"form-data; name=\"{name}\"", value);

    private static string File(string name) => Part($"form-data; name=\"movie\"; filename=\"{name}\"", "bytes");

    private static string Part(string disposition, string body) => $"--b\r\nContent-Disposition: {disposition}\r\n\r\n{body}\r\n";

    private async Task<HttpResponseMessage> SendAsync(byte[] body, string query = "", (string Name, string Value)? header = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/upload" + query) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        if (header is { } given) request.Headers.TryAddWithoutValidation(given.Name, given.Value);
        return await _rig.Client.SendAsync(request, Cancelled);
    }

    private async Task<(int Status, bool ReachedTheMovie)> PostAsync(byte[] body, string query = "", (string Name, string Value)? header = null)
    {
        using var answer = await SendAsync(body, query, header);
        return ((int)answer.StatusCode, (await answer.Content.ReadAsStringAsync(Cancelled)).Contains(NobodyTakesIt));
    }
}

/// <summary>Forms that do not go on before the movie has begun: nobody may hold a connection by them, least of all without a key.</summary>
public sealed class SilentUploadFormTests(SilentUploadFormTests.Fixture shared) : IClassFixture<SilentUploadFormTests.Fixture>
{
    private const string Begun = "--b\r\nContent-Disp";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_form_that_falls_silent_before_the_movie_is_ended(bool authorised)
    {
        using var connection = await OpenAsync(authorised ? $"X-Mdfs-Secret: {MasterRig.AdminKey}\r\n" : "");
        await connection.WriteAsync(Begun, Cancelled);
        // Whoever is a stranger is not waited for afterwards either.
        var answer = authorised ? await connection.ReadToAsync("\r\n", Cancelled) : await connection.ReadToEndAsync(Cancelled);
        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_without_a_key_is_not_kept_by_a_byte_now_and_then()
    {
        using var connection = await OpenAsync("");
        await connection.WriteAsync(Begun, Cancelled);
        var answer = connection.ReadToAsync("\r\n", Cancelled);
        await Eventually.TrueAsync(
            async () =>
            {
                if (!answer.IsCompleted) await connection.WriteAsync("o", Cancelled);
                return answer.IsCompleted;
            },
            "it is answered", MdfsClient.Patience, Cancelled);
        Assert.StartsWith("HTTP/1.1 408 ", await answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_only_little_of_a_form_is_read()
    {
        using var connection = await OpenAsync("");
        await connection.WriteAsync("--b\r\nContent-Disposition: form-data; name=\"notes\"\r\n\r\n" + new string('x', 256 << 10), Cancelled);
        var answer = await connection.ReadToAsync("has to come before", Cancelled);
        Assert.StartsWith("HTTP/1.1 401 ", answer, StringComparison.Ordinal);
        Assert.Contains("has to come before", answer, StringComparison.Ordinal);
    }

    private async Task<RawConnection> OpenAsync(string headers)
    {
        var connection = await RawConnection.OpenAsync(shared.Rig.Client.BaseAddress!, Cancelled);
        await connection.WriteAsync($"POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000000\r\n\r\n", Cancelled);
        return connection;
    }

    public sealed class Fixture : IAsyncLifetime
    {
        internal MasterRig Rig { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Rig = await MasterRig.StartAsync(null, ("Mdfs:Master:IdleTimeout", "00:00:01"));

        public ValueTask DisposeAsync() => Rig.DisposeAsync();
    }
}
