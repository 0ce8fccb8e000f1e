using Mdfs.Tests.Cluster;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Playwright;

namespace Mdfs.Tests.Browser;

/// <summary>The console on answers that a cluster in good health does not give.</summary>
[Collection(ConsoleCluster.Name)]
public sealed class AnswersBrowserTests(Chromium chromium, SharedCluster shared) : IAsyncDisposable
{
    private readonly WebApplication _master = TransferRig.Kestrel("http://127.0.0.1:0");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _master.DisposeAsync();

    [Fact]
    public async Task A_copy_that_was_not_read_is_not_called_damaged_and_a_refusal_of_the_master_is_told_as_one()
    {
        const string copies = """[{"node":"a","id":"1","address":"http://a","state":"good"},{"node":"b","id":"2","address":"http://b","state":"good"}]""";
        const string movie = $$"""{"name":"half seen.mp4","size":7,"checksum":"00000007","version":1,"modifiedAt":"2026-05-01T00:00:00Z","contentType":"video/mp4","copies":2,"copiesWanted":2,"nodes":{{copies}}}""";
        _master.MapGet("/api/files", static () => Results.Text($$"""{"files":[{{movie}}],"total":1}""", "application/json"));
        _master.MapPost("/api/files/{name}/verify", static () => Results.Text("""[{"node":"http://a","checksum":"00000007","valid":true},{"node":"http://b","checksum":"ERROR","valid":false}]""", "application/json"));
        _master.MapGet("/api/cluster", static () => Results.Json(new { type = "urn:mdfs:problem:admin-key-wrong", detail = "That is not the key." }, statusCode: 401, contentType: "application/problem+json"));
        await _master.StartAsync(Cancelled);
        await using var web = await WebRig.StartAsync(shared.Cluster, Cancelled, ("services:master:http:0", _master.Urls.First()));
        await using var visit = await chromium.EnterAsync(web.Address, "/movies");
        await Assertions.Expect(visit.Page.Locator(".banners")).ToContainTextAsync("The master refuses what the console asks. That is not the key.");
        await Assertions.Expect(visit.Page.Locator(".state")).ToContainTextAsync("The master refuses the console");

        await visit.ActAsync("half seen.mp4", "Verify");
        await Assertions.Expect(visit.Page.Locator(".verify-progress")).ToContainTextAsync("1 movie has copies that could not be reached");
        await Assertions.Expect(visit.Page.Locator(".verify-progress")).Not.ToContainTextAsync("not good");
        await Assertions.Expect(visit.Page.Locator(".verdicts")).ToContainTextAsync("No answer");
        visit.AssertNothingWrong();
    }
}
