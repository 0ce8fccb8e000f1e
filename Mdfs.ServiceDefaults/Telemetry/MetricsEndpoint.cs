using System.Diagnostics.Metrics;
using System.Text;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary><c>GET /metrics</c>: the classic lines, then everything the meters of this service hold (design, section 10).</summary>
public static class MetricsEndpoint
{
    /// <param name="classic">Read at every scrape; must not wait.</param>
    /// <param name="path">Another path where <c>/metrics</c> is somebody else's.</param>
    public static IEndpointConventionBuilder MapMdfsMetrics(this WebApplication app, Func<IEnumerable<ClassicMetric>>? classic = null, string path = "/metrics")
    {
        if (classic is not null) Measure(app.Services.GetRequiredService<InstanceTelemetry>().Meter, classic);
        var exporter = Exporter(app);
        var methods = new[] { HttpMethods.Get, HttpMethods.Head };
        return app.MapMethods(path, methods, context => AnswerAsync(context, exporter, classic?.Invoke() ?? []))
            .WithName("Metrics").WithSummary("Numbers of this service in Prometheus text.").Open();
    }

    // As instruments too, for whoever gets all numbers over OTLP. In the text they stand once, as scripts look for them (PrometheusText).
    private static void Measure(Meter meter, Func<IEnumerable<ClassicMetric>> classic)
    {
        foreach (var (name, type, help, _) in classic())
        {
            double Now() => classic().First(metric => metric.Name == name).Value;
            // Also a total that may fall: what is measured is what the text says, and the text calls it a counter.
            if (type == ClassicMetric.Counter) meter.CreateObservableCounter(name, Now, null, help);
            else meter.CreateObservableGauge(name, Now, null, help);
        }
    }

    // The exporter comes as middleware that takes over the whole response; here it runs by itself and writes into a buffer.
    private static RequestDelegate Exporter(WebApplication app)
    {
        var branch = ((IApplicationBuilder)app).New();
        branch.UseOpenTelemetryPrometheusScrapingEndpoint(
            app.Services.GetRequiredService<MeterProvider>(), static _ => true, path: null, configureBranchedPipeline: null, optionsName: null);
        return branch.Build();
    }

    private static async Task AnswerAsync(HttpContext context, RequestDelegate exporter, IEnumerable<ClassicMetric> classic)
    {
        // Else it may answer compressed or as OpenMetrics, neither of which can be put behind plain lines.
        context.Request.Headers.Remove("Accept-Encoding");
        context.Request.Headers.Accept = "text/plain;version=0.0.4";
        var exported = await CaptureAsync(context, exporter);
        var body = Encoding.UTF8.GetBytes(PrometheusText.Compose(classic, exported));

        var response = context.Response;
        response.Clear();
        SecurityHeaders.Apply(response);
        response.ContentType = PrometheusText.MediaType;
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static async Task<string> CaptureAsync(HttpContext context, RequestDelegate exporter)
    {
        var real = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var buffer = new MemoryStream();
        var standIn = new StreamResponseBodyFeature(buffer);
        context.Features.Set<IHttpResponseBodyFeature>(standIn);
        try
        {
            await exporter(context);
            await standIn.CompleteAsync();
        }
        finally
        {
            context.Features.Set(real);
        }

        // A scrape that failed leaves the classic lines alone; they are what the alerts stand on.
        return context.Response.StatusCode == StatusCodes.Status200OK ? Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) : "";
    }
}
