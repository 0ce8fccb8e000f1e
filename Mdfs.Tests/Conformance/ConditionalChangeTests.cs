using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>Storing and deleting under a condition (RFC 9110, 13.1 and 13.2): what the condition does not allow is not done, and of two who allow the same version only one gets through.</summary>
public sealed class ConditionalChangeTests(ConditionalChangeTests.Fixture shared) : IClassFixture<ConditionalChangeTests.Fixture>
{
    private const int Length = 2 << 20;

    private static readonly MovieBytes _older = new(1, 1_000);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    /// <summary>Each is put to a movie that is there, by every way of changing it: true, it goes through.</summary>
    private static readonly (string Header, bool Holds)[] _there =
    [
        ("If-Match: {etag}", true),
        ("If-Match: \"another\", {etag}", true),
        ("If-Match: *", true),
        ("If-Match: \"another\"", false),
        ("If-Match: W/{etag}", false),
        ("If-Match: another", false),
        ("If-None-Match: *", false),
        ("If-None-Match: {etag}", false),
        ("If-None-Match: W/{etag}", false),
        ("If-None-Match: \"another\"", true),
        ("If-Unmodified-Since: {date}", true),
        ("If-Unmodified-Since: {earlier}", false),
        ("If-Unmodified-Since: no date", true),
        ("If-Match: {etag}\nIf-Unmodified-Since: {earlier}", true),
        ("If-Match: {etag}\nIf-None-Match: {etag}", false),
    ];

    [Theory]
    [InlineData("PUT")]
    [InlineData("POST /upload")]
    [InlineData("DELETE")]
    [InlineData("GET /delete")]
    public async Task What_is_there_is_changed_only_as_the_condition_allows(string way)
    {
        // Each of a name of its own: a version that follows another in the same second is dated into the next, and that has to be waited for.
        foreach (var (row, (header, holds)) in _there.Index())
        {
            var name = $"there {row} {way.Replace('/', ' ')}.mp4";
            await Client.StoreAsync(name, _older, Cancelled);
            var facts = (await Client.FactsAsync(name, Cancelled))!;
            var date = await ModifiedAsync(name);
            var given = header.Replace("{etag}", facts.ETag, StringComparison.Ordinal)
                .Replace("{date}", date.ToString("R", CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("{earlier}", date.AddSeconds(-1).ToString("R", CultureInfo.InvariantCulture), StringComparison.Ordinal);
            using var answer = await AskAsync(way, name, given);
            if (holds)
            {
                Assert.True(answer.IsSuccessStatusCode, $"{way}, {header}: {(int)answer.StatusCode}");
                Assert.NotEqual(facts.Version, (await Client.FactsAsync(name, Cancelled))?.Version);
                continue;
            }

            Assert.True(answer.StatusCode == HttpStatusCode.PreconditionFailed, $"{way}, {header}: {(int)answer.StatusCode}");
            Assert.Equal(facts.Version, (await Client.FactsAsync(name, Cancelled))?.Version);
            if (way is not ("PUT" or "DELETE")) continue;
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
            Assert.Equal(("urn:mdfs:problem:precondition-failed", facts.ETag), (problem.GetProperty("type").GetString(), problem.GetProperty("etag").GetString()));
        }

        await NothingLeftAsync();
    }

    [Theory]
    [InlineData("PUT", "If-None-Match: *", 201)]
    [InlineData("PUT", "If-None-Match: \"another\"", 201)]
    [InlineData("PUT", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 201)]
    [InlineData("PUT", "If-Match: *", 412)]
    [InlineData("PUT", "If-Match: \"another\"", 412)]
    [InlineData("POST /upload", "If-None-Match: *", 200)]
    [InlineData("POST /upload", "If-Match: *", 412)]
    [InlineData("DELETE", "If-Match: *", 404)]
    [InlineData("GET /delete", "If-Match: *", 404)]
    public async Task What_is_not_there_matches_nothing(string way, string header, int status)
    {
        const string name = "absent.mp4";
        (await Client.DeleteAsync(name, Cancelled)).Dispose();
        using var answer = await AskAsync(way, name, header);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(status < 300, await Client.FactsAsync(name, Cancelled) is not null);
    }

    [Fact]
    public async Task Who_waits_for_the_word_to_go_on_sends_nothing_that_the_condition_refuses()
    {
        await Client.StoreAsync("waits.mp4", _older, Cancelled);
        using var connection = await RawConnection.OpenAsync(Client.Master, Cancelled);
        await connection.WriteAsync(Head("waits.mp4", "If-None-Match: *\r\nExpect: 100-continue\r\nConnection: close"), Cancelled);
        var said = await connection.ReadToAsync("\r\n\r\n", Cancelled);
        Assert.StartsWith("HTTP/1.1 412", said, StringComparison.Ordinal);
        await Client.AssertHoldsAsync("waits.mp4", _older, Cancelled);
    }

    [Theory]
    [InlineData("If-Match: {etag}")]
    [InlineData("If-None-Match: *")]
    public async Task Of_two_who_have_seen_the_same_only_one_stores_although_both_were_let_in(string condition)
    {
        var name = $"raced {condition[..8]}.mp4";
        if (condition.Contains("etag", StringComparison.Ordinal))
        {
            await Client.StoreAsync(name, _older, Cancelled);
            condition = condition.Replace("{etag}", (await Client.FactsAsync(name, Cancelled))!.ETag, StringComparison.Ordinal);
        }

        MovieBytes[] movies = [new(2, Length), new(3, Length)];
        var connections = await Task.WhenAll(movies.Select(_ => RawConnection.OpenAsync(Client.Master, Cancelled)));
        foreach (var connection in connections) await connection.WriteAsync(Head(name, condition + "\r\nConnection: close"), Cancelled);
        foreach (var (connection, movie) in connections.Zip(movies)) await connection.WriteAsync(movie.ToArray().AsMemory(0, Length / 2), Cancelled);
        await Eventually.TrueAsync(() => shared.Incoming().Count() >= 4, "both are on their way to two workers", MdfsClient.Patience, Cancelled);
        foreach (var (connection, movie) in connections.Zip(movies)) await connection.WriteAsync(movie.ToArray().AsMemory(Length / 2), Cancelled);
        var answers = await Task.WhenAll(connections.Select(connection => connection.ReadToEndAsync(Cancelled)));
        foreach (var connection in connections) connection.Dispose();

        var won = Assert.Single(Enumerable.Range(0, 2), winner => answers[winner].StartsWith("HTTP/1.1 20", StringComparison.Ordinal));
        Assert.StartsWith("HTTP/1.1 412", answers[1 - won], StringComparison.Ordinal);
        await Client.AssertHoldsAsync(name, movies[won], Cancelled);
        await NothingLeftAsync();
    }

    private static string Head(string name, string lines) =>
        $"PUT /api/files/{Uri.EscapeDataString(name)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TestCluster.AdminKey}\r\nContent-Length: {Length}\r\n{lines}\r\n\r\n";

    private async Task<DateTimeOffset> ModifiedAsync(string name)
    {
        // No date is told before it has come: a version that follows another in the same second is dated into the next.
        DateTimeOffset? date = null;
        await Eventually.TrueAsync(
            async () =>
            {
                using var head = await Client.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, MdfsClient.DownloadPath(name)), Cancelled);
                return (date = head.Content.Headers.LastModified) is not null;
            },
            "the date has come", MdfsClient.Patience, Cancelled);
        return date!.Value;
    }

    private async Task<HttpResponseMessage> AskAsync(string way, string name, string lines)
    {
        var escaped = Uri.EscapeDataString(name);
        using var request = way switch
        {
            "PUT" => new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath(name)) { Content = new ByteArrayContent([1, 2, 3]) },
            "DELETE" => new HttpRequestMessage(HttpMethod.Delete, MdfsClient.FilePath(name)),
            "POST /upload" => new HttpRequestMessage(HttpMethod.Post, "upload") { Content = new MultipartFormDataContent { { new ByteArrayContent([1, 2, 3]), "movie", name } } },
            _ => new HttpRequestMessage(HttpMethod.Get, $"delete?name={escaped}"),
        };
        request.Headers.Authorization = Client.Admin;
        foreach (var line in lines.Split('\n'))
        {
            var parts = line.Split(": ", 2);
            request.Headers.TryAddWithoutValidation(parts[0], parts[1]);
        }

        return await Client.Http.SendAsync(request, Cancelled);
    }

    private Task NothingLeftAsync() => Eventually.TrueAsync(() => !shared.Incoming().Any(), "nothing is left of what was refused", MdfsClient.Patience, Cancelled);

    public sealed class Fixture : SharedCluster;
}
