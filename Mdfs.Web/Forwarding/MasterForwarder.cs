using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Mdfs.ServiceDefaults.Telemetry;
using Mdfs.Web.Api;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Mdfs.Web.Forwarding;

/// <summary>
/// Hands whatever is not the console's to the master, in both directions as it comes: nothing is kept, counted or cut off for its length. So one
/// origin is console and API, as in the original.
/// </summary>
public sealed partial class MasterForwarder : IDisposable
{
    private static readonly ForwarderRequestConfig _config = new()
    {
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        // Without any byte in either direction. Not the transfer's business: a player that pauses, and a verification that reads a terabyte, are silent for
        // hours. Who has lost power is found out by the connection's probes.
        ActivityTimeout = TimeSpan.FromDays(1),
        AllowResponseBuffering = false,
    };

    private readonly IHttpForwarder _forwarder;
    private readonly MasterAddresses _addresses;
    private readonly ForwardedRequest _transformer;
    private readonly HttpMessageInvoker _asking;
    private readonly HttpMessageInvoker _sending;
    private readonly HttpMessageInvoker _movies;
    private readonly ILogger<MasterForwarder> _logger;

    public MasterForwarder(IHttpForwarder forwarder, MasterAddresses addresses, ConsoleProof proof, ILogger<MasterForwarder> logger)
    {
        _forwarder = forwarder;
        _addresses = addresses;
        _transformer = new ForwardedRequest(proof);
        _logger = logger;
        _asking = Invoker(ProbedConnection.OpenForQuestionsAsync, Timeout.InfiniteTimeSpan);
        _sending = Invoker(ProbedConnection.OpenAsync, Timeout.InfiniteTimeSpan);
        // What cannot be known here, that there is no such movie for instance, takes one of these from its loop all the same: none is kept for long.
        _movies = Invoker(ProbedConnection.OpenForQuestionsAsync, TimeSpan.FromMinutes(1));
    }

    public Task ForwardAsync(HttpContext context) => ForwardAsync(context, _transformer, PlainMovieRequest.Is(context.Request) ? _movies : For(context));

    /// <param name="transformer">What is said besides, and what becomes of the answer.</param>
    internal Task ForwardAsync(HttpContext context, ForwardedRequest transformer) => ForwardAsync(context, transformer, For(context));

    public void Dispose()
    {
        _asking.Dispose();
        _sending.Dispose();
        _movies.Dispose();
    }

    private HttpMessageInvoker For(HttpContext context) => context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? _asking : _sending;

    /// <param name="connectionLife">After which a connection carries no further request.</param>
    private static HttpMessageInvoker Invoker(Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect, TimeSpan connectionLife) => new(new SentOnce(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        // The master answers an upload that it refuses before the body has come.
        Expect100ContinueTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = connectionLife,
        // As the server reads them: a player may be called by any name.
        RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        ConnectCallback = connect,
    }));

    private async Task ForwardAsync(HttpContext context, ForwardedRequest transformer, HttpMessageInvoker invoker)
    {
        if (context.Request.Path.StartsWithSegments("/internal"))
        {
            // What nodes say to one another does not pass through here.
            await CommonProblems.NoSuchRoute.ExecuteAsync(context);
            return;
        }

        Lift(context);
        if (_addresses.Current is not { } address)
        {
            await WebProblems.MasterAway.ExecuteAsync(context);
            return;
        }

        Activity.Current?.Rename($"{(HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) ? "read" : "write")} through the master");
        var error = await _forwarder.SendAsync(context, address, invoker, _config, transformer, context.RequestAborted);
        if (error == ForwarderError.None || context.RequestAborted.IsCancellationRequested) return;
        var reason = context.GetForwarderErrorFeature()?.Exception;
        if (FailedForward.MasterIsAway(error, reason))
        {
            LogAway(address, reason?.Message ?? $"{error}");
            _addresses.Rotate(address);
        }

        if (!context.Response.HasStarted && FailedForward.Of(error, reason, context.Request) is { } problem) await problem.ExecuteAsync(context);
    }

    // A movie may take hours and a terabyte, and the master has limits of its own.
    private static void Lift(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request) request.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response) response.MinDataRate = null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The master at {Address} does not answer; a request was refused with 503: {Reason}")]
    private partial void LogAway(string address, string reason);
}
