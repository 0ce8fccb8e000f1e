using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Output;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Xunit;

namespace Mdfs.Tests.Cluster;

/// <summary>The master's transfer room, and on demand an HTTP front before it, through which clients send and read.</summary>
internal sealed class TransferRig : IAsyncDisposable
{
    public static readonly IMasterIdentity Identity = new FixedIdentity();

    private readonly Meter _meter = new("transfer tests");
    private WebApplication? _front;

    public TransferRig(TimeSpan? idle = null, TimeSpan? retryPause = null)
    {
        var options = Options.Create(new TransferOptions { IdleTimeout = idle ?? TimeSpan.FromSeconds(10) });
        var reading = Options.Create(new StreamOptions
        {
            IdleTimeout = idle ?? TimeSpan.FromSeconds(10),
            RetryPause = retryPause ?? TimeSpan.FromMilliseconds(20),
        });
        var metrics = new TransferMetrics(_meter);
        var tokens = new NodeTokens(new ClusterKeys(TransferFarSide.ClusterKey));
        Workers = new WorkerClient(Bytes, tokens, Identity, options, TimeProvider.System);
        Windows = new WindowClient(Bytes, new MasterPass(tokens, Identity), reading);
        Opening = new TargetOpening(Workers, NullLogger<TargetOpening>.Instance);
        FanOut = new UploadFanOut(Workers, options, metrics, TimeProvider.System, NullLogger<UploadFanOut>.Instance);
        Reader = new ReplicaReader(Windows, Streams, reading, new StreamMetrics(_meter), new RecentTrouble(TimeProvider.System), new SourcePaces(TimeProvider.System), TimeProvider.System, NullLogger<ReplicaReader>.Instance);
    }

    public ByteClient Bytes { get; } = new(TimeProvider.System);

    public WorkerClient Workers { get; }

    public WindowClient Windows { get; }

    public StreamCounter Streams { get; } = new();

    public TargetOpening Opening { get; }

    public UploadFanOut FanOut { get; }

    public ReplicaReader Reader { get; }

    public Meter Meter => _meter;

    public Uri Front => new(_front!.Urls.Single());

    /// <summary>What came of the first upload through the front.</summary>
    public TaskCompletionSource<FanOutResult> Stored { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What came of the first reading through the front.</summary>
    public TaskCompletionSource<CopyResult> Copied { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static byte[] Movie(int length) => RandomNumberGenerator.GetBytes(length);

    public static Task SoonAsync(Func<bool> condition, string what) =>
        Eventually.TrueAsync(condition, what, MdfsClient.Patience, TestContext.Current.CancellationToken);

    public static WebApplication Kestrel(string url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(100));
        builder.WebHost.UseUrls(url).ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
        return builder.Build();
    }

    /// <summary>Bytes of a body after which the front breaks it off, as a server does that knows a limit.</summary>
    public long? LargestBody { get; init; }

    /// <summary>PUT / stores on these workers under the upload, GET / reads the version whole.</summary>
    public async Task ServeAsync(UploadId upload, MovieVersion version, long length, params WorkerAddress[] workers)
    {
        _front = Kestrel("http://127.0.0.1:0");
        _front.MapPut("/", async (HttpContext context) =>
        {
            context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = LargestBody;
            var result = await FanOut.SendAsync(upload, context.Request.Body, context.Request.ContentLength, workers, false, context.RequestAborted);
            Stored.TrySetResult(result);
            context.Response.StatusCode = result.Outcome == FanOutOutcome.Completed ? 201 : 503;
        });
        _front.MapGet("/", async (HttpContext context) =>
        {
            context.Response.ContentLength = length;
            using var output = BodyOutput.Of(context, default, length);
            var result = await Reader.CopyAsync(version, 0, length, SourceLists.Known(() => [.. workers]), output, context.RequestAborted);
            Copied.TrySetResult(result);
            if (result.Outcome == CopyOutcome.Completed) return;
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }
            context.Response.Clear();
            context.Response.StatusCode = 502;
        });
        await _front.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_front is not null) await _front.DisposeAsync();
        Bytes.Dispose();
        _meter.Dispose();
    }

    private sealed class FixedIdentity : IMasterIdentity
    {
        public long Epoch => 3;

        public long Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
    }
}
