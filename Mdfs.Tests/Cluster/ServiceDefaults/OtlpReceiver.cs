using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

/// <summary>Takes what services send over OTLP (http/protobuf) and keeps the bytes, in which texts stand as they are.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Signal, byte[] Body)> _received;

    private OtlpReceiver(WebApplication app, ConcurrentQueue<(string, byte[])> received)
    {
        _app = app;
        _received = received;
    }

    public string Endpoint => _app.Urls.First();

    public IReadOnlyList<string> Of(string signal) => [.. _received.Where(entry => entry.Signal == signal).Select(static entry => Encoding.UTF8.GetString(entry.Body))];

    /// <summary>All spans received, taken apart.</summary>
    public IReadOnlyList<OtlpSpan> Spans() => [.. _received.Where(static entry => entry.Signal == "traces").SelectMany(static entry => OtlpSpan.Read(entry.Body))];

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create<string, string?>("urls", "http://127.0.0.1:0")]);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var received = new ConcurrentQueue<(string, byte[])>();
        app.MapPost("/v1/{signal}", async (string signal, HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            received.Enqueue((signal, body.ToArray()));
            context.Response.ContentType = "application/x-protobuf";
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new OtlpReceiver(app, received);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
