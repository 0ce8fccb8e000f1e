using System.Net;
using Mdfs.Tests.Cluster.ServiceDefaults;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>What a trace view shows of an upload and of a download: one trace from the master through the workers (design, section 10).</summary>
public sealed class TraceTests
{
    private const string UploadTrace = "11111111111111111111111111111111";
    private const string DownloadTrace = "22222222222222222222222222222222";
    private const string PlainTrace = "33333333333333333333333333333333";
    private static readonly MovieBytes Movie = new(4, 300_000);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_and_a_download_have_one_trace_each_through_master_and_workers()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using (var cluster = await TestCluster.StartAsync(
            Cancelled, workers: 3, ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")))
        {
            using (var upload = await SendAsync(cluster, HttpMethod.Put, "/api/files/geheim.mp4?secret=" + Uri.EscapeDataString(TestCluster.AdminKey), UploadTrace))
                Assert.Equal(HttpStatusCode.Created, upload.StatusCode);
            using (var download = await SendAsync(cluster, HttpMethod.Get, "/download?name=geheim.mp4&wanted=unspoken", DownloadTrace))
                Assert.Equal(Movie.Length, (await download.Content.ReadAsByteArrayAsync(Cancelled)).Length);
            // As players ask: answered by a loop.
            using (var download = await SendAsync(cluster, HttpMethod.Get, "/download?name=geheim.mp4", PlainTrace))
                Assert.Equal(Movie.Length, (await download.Content.ReadAsByteArrayAsync(Cancelled)).Length);
            // A copy is lost, and made anew by the third worker.
            await cluster.Worker((await cluster.Client.FactsAsync("geheim.mp4", Cancelled))!.Holders.First()).StopAsync(atOnce: true);
            await cluster.Client.WaitForNodesAsync(2, Cancelled);
            await cluster.Client.WaitForWholeAsync(1, Cancelled);
            // The spans go out when the services end.
        }

        var spans = receiver.Spans();
        var stored = Of(UploadTrace);
        Assert.Equal("0102030405060708", Assert.Single(stored, static span => span is { Service: "mdfs-master", Name: "PUT /api/files/{name}" }).Parent);
        foreach (var step in new[] { "POST /internal/uploads", "PUT /internal/uploads/{upload}", "POST /internal/uploads/{upload}/seal" })
            Assert.Equal(2, stored.Where(span => span.Service == "mdfs-worker" && span.Name == step).Select(static span => span.Instance).Distinct().Count());
        var (sent, plain) = (Of(DownloadTrace), Of(PlainTrace));
        foreach (var trace in new[] { sent, plain })
        {
            Assert.Contains(trace, static span => span is { Service: "mdfs-master", Name: "GET /download" });
            Assert.Contains(trace, static span => span is { Service: "mdfs-worker", Name: "GET /internal/replicas/{version}" });
        }

        var told = stored.Single(static span => span.Name == "PUT /api/files/{name}").Attributes;
        Assert.Contains(told, static attribute => attribute is { Key: "mdfs.copies", Value: "02" });
        Assert.Contains(told, static attribute => attribute.Key == "mdfs.version");
        var copies = spans.Where(static span => span is { Service: "mdfs-worker", Name: "make a copy" }).ToList();
        Assert.Contains(spans, span => span.Name == "GET /internal/replicas/{version}" && copies.Exists(copy => copy.Trace == span.Trace && copy.Instance != span.Instance));

        Assert.DoesNotContain(spans, static span => span.Name.Contains("beats", StringComparison.Ordinal));

        // One tree: everything hangs on the request that began it.
        foreach (var trace in new[] { stored, sent, plain })
            Assert.All(trace, span => Assert.True(span.Parent == "0102030405060708" || trace.Any(other => other.Id == span.Parent), $"{span.Name} of {span.Service} hangs on nothing."));
        Assert.All(spans, static span => Assert.All(span.Attributes, static attribute =>
        {
            Assert.NotEqual("url.query", attribute.Key);
            Assert.DoesNotContain(TestCluster.AdminKey, attribute.Value);
            Assert.DoesNotContain("secret", attribute.Value);
            Assert.DoesNotContain("unspoken", attribute.Value);
        }));

        List<OtlpSpan> Of(string trace) => [.. spans.Where(span => span.Trace == trace)];
    }

    private static async Task<HttpResponseMessage> SendAsync(TestCluster cluster, HttpMethod method, string target, string trace)
    {
        using var request = new HttpRequestMessage(method, target);
        if (method == HttpMethod.Put) request.Content = new StreamContent(Movie.Open());
        request.Headers.Add("traceparent", $"00-{trace}-0102030405060708-01");
        // The client of this process would put a span of its own in between.
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = cluster.Client.Master };
        return await client.SendAsync(request, Cancelled);
    }
}
