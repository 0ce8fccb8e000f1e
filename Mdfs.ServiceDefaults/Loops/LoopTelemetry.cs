using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mdfs.ServiceDefaults.Telemetry;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>What is seen of requests that a loop answers: the same span, and the same place in the usual server's histogram, as if that had answered them.</summary>
internal sealed class LoopTelemetry
{
    private readonly Histogram<double> _duration;
    private readonly InstanceTelemetry _telemetry;
    private readonly TimeProvider _time;
    private long _answered;

    public LoopTelemetry(IMeterFactory meters, InstanceTelemetry telemetry, TimeProvider time)
    {
        (_telemetry, _time) = (telemetry, time);
        telemetry.Meter.CreateObservableCounter("mdfs.loop_requests", () => Interlocked.Read(ref _answered), null, "Requests for movies that an event loop has answered; all others are the server's.");
        // As ASP.NET Core names and describes it: one series, whoever answers.
        _duration = meters.Create("Microsoft.AspNetCore.Hosting").CreateHistogram<double>("http.server.request.duration", "s", "Duration of HTTP server requests.");
    }

    /// <param name="connections">Asked whenever somebody looks.</param>
    public void Count(Func<int> connections) =>
        _telemetry.Meter.CreateObservableGauge("mdfs.loop_connections", connections, null, "Clients' connections that event loops have: players', as long as they ask for nothing but movies. All others are among kestrel.active_connections.");

    public long Now => _time.GetTimestamp();

    /// <summary>A span, if anybody wants to see it. It is nobody's current one, since a loop has many at once.</summary>
    public Activity? Begin(string route, in RequestHead head)
    {
        if (!_telemetry.Activities.HasListeners()) return null;
        _ = ActivityContext.TryParse(head.Find("traceparent"u8), head.Find("tracestate"u8), isRemote: true, out var parent);
        var span = _telemetry.Activities.StartActivity($"GET {route}", ActivityKind.Server, parent);
        Activity.Current = null;
        span?.SetTag("http.request.method", "GET").SetTag("http.route", route);
        return span;
    }

    /// <param name="completed">Every byte was sent.</param>
    public void End(Activity? span, string route, int status, long began, bool completed)
    {
        Interlocked.Increment(ref _answered);
        _duration.Record(
            _time.GetElapsedTime(began).TotalSeconds, new("http.request.method", "GET"), new("http.response.status_code", status), new("http.route", route), new("network.protocol.version", "1.1"), new("url.scheme", "http"));
        if (span is null) return;
        span.SetTag("http.response.status_code", status);
        if (!completed) span.SetTag("error.type", "aborted");
        span.Dispose();
    }
}
