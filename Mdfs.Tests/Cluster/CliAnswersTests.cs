using Mdfs.Cli.Transfer;
using Mdfs.Protocol.Checksums;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Mdfs.Tests.Cluster;

/// <summary>The command line on answers that a cluster in good health does not give.</summary>
public sealed class CliAnswersTests : IAsyncDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly WebApplication _master = TransferRig.Kestrel("http://127.0.0.1:0");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _master.DisposeAsync();
        _temp.Dispose();
    }

    [Fact]
    public async Task Only_bytes_that_were_read_and_are_wrong_are_called_damaged()
    {
        const string good = """{"node":"http://a","checksum":"00000007","valid":true}""";
        const string silent = """{"node":"http://b","checksum":"ERROR","valid":false}""";
        const string rotten = """{"node":"http://c","checksum":"00000008","valid":false}""";
        Answer("POST", "/api/files/good/verify", $"[{good}]");
        Answer("POST", "/api/files/silent/verify", $"[{good},{silent}]");
        Answer("POST", "/api/files/nobody/verify", "[]");
        Answer("POST", "/api/files/rotten/verify", $"[{silent},{rotten}]");
        using var mdfs = await StartAsync();
        foreach (var (name, code) in ((string, int)[])[("good", 0), ("silent", 3), ("nobody", 3), ("rotten", 6)]) (await mdfs.RunAsync("verify", name)).AssertEnded(code);
        Assert.Contains("did not answer", (await mdfs.RunAsync("verify", "silent")).Out);
    }

    [Fact]
    public async Task Status_says_that_healing_is_held_up()
    {
        const string reason = "2 of 3 nodes fell silent at once: nothing is copied.";
        Answer("GET", "/api/cluster", $$$"""
            {"clusterId":"c","epoch":1,"age":10,"redis":"Redis holds the catalog.","writable":true,"nodes":3,"activeNodes":1,"movies":7,"tombstones":0,"underReplicated":7,
            "healing":{"running":0,"waiting":7,"bytesRemaining":0,"bytesPerSecond":0,"heldUp":"{{{reason}}}"},"capacity":3,"free":2,"used":1,"replicationFactor":2,"uploadsOpen":0}
            """);
        using var mdfs = await StartAsync();
        Assert.Contains(reason, (await mdfs.RunAsync("status")).AssertEnded(0).Out);
        Assert.Contains(reason, (await mdfs.RunAsync("status", "--json")).AssertEnded(0).Out);
    }

    [Fact]
    public async Task An_upload_that_is_still_being_put_away_is_asked_for_again()
    {
        var movie = new MovieBytes(60, ResumableUpload.Smallest);
        var size = $"{ResumableUpload.Smallest}";
        var asked = 0;
        _master.MapGet("/api/files/busy.mp4", () => asked > 1
            ? Results.Text($$"""{"name":"busy.mp4","size":{{size}},"checksum":"{{Checksum.Of(movie.ToArray())}}","version":1,"etag":"\"1\"","modifiedAt":"2026-01-01T00:00:00Z","copies":2,"copiesWanted":2,"nodes":[]}""", "application/json")
            : Results.NotFound());
        _master.MapPost("/api/uploads", () => Results.Created("/api/uploads/1", null));
        _master.MapMethods("/api/uploads/1", ["PATCH"], async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, Cancelled);
            context.Abort();
        });
        _master.MapMethods("/api/uploads/1", ["HEAD"], (HttpContext context) =>
        {
            if (asked++ == 0) return Results.StatusCode(StatusCodes.Status423Locked);
            (context.Response.Headers["Upload-Offset"], context.Response.Headers["Upload-Length"]) = (size, size);
            return Results.Ok();
        });
        using var mdfs = await StartAsync();
        var run = (await mdfs.RunAsync("put", movie.WriteTo(_temp["busy.mp4"]), "--json")).AssertEnded(0);
        Assert.Equal("stored", Assert.Single(run.Json).GetProperty("result").GetString());
        Assert.Equal(2, asked);
    }

    [Theory]
    [InlineData("rebuilding", 5)]
    [InlineData("redis-away", 5)]
    [InlineData("outcome-unknown", 0)]
    [InlineData("deletion-not-confirmed", 0)]
    [InlineData("", 0)]
    public async Task That_a_movie_is_gone_is_taken_for_ones_own_deletion_only_if_one_may_have_been_carried_out(string first, int code)
    {
        var asked = 0;
        _master.MapDelete("/api/files/film.mp4", (HttpContext context) =>
        {
            if (asked++ > 0) return Problem(404, "no-such-movie");
            if (first.Length > 0) return Problem(503, first);
            context.Abort();
            return Results.Empty;
        });
        using var mdfs = await StartAsync();
        (await mdfs.RunAsync("rm", "-y", "film.mp4")).AssertEnded(code);
        Assert.Equal(2, asked);

        static IResult Problem(int status, string type) => Results.Problem(type: $"urn:mdfs:problem:{type}", statusCode: status, detail: "As it is.");
    }

    private void Answer(string method, string path, string json) => _master.MapMethods(path, [method], () => Results.Text(json, "application/json"));

    private async Task<MdfsCommand> StartAsync()
    {
        await _master.StartAsync(Cancelled);
        return new MdfsCommand(_temp.Path, new Uri(_master.Urls.First()), TestCluster.AdminKey);
    }
}
