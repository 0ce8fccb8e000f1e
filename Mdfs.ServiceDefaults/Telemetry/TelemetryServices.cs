using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mdfs.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>Logs, metrics and traces of one service. They go out over OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; metrics also stand at <c>/metrics</c>.</summary>
internal static class TelemetryServices
{
    private const string EndpointSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // Asked for every few seconds by machines; in a trace view they would hide everything else.
    private static readonly string[] _untraced = ["/health", "/alive", "/metrics", Routes.Master.Beats, Routes.Master.Inventory, Routes.Master.Gateways];

    // Those that the conventions of OpenTelemetry give to requests. Its default ones are meant for milliseconds, and would tell 4 ms from 4 s by nothing.
    private static readonly double[] _seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    public static void AddMdfsTelemetry(this WebApplicationBuilder builder, string serviceName, Func<IServiceProvider, string> instanceId)
    {
        var services = builder.Services;
        services.AddSingleton(provider => new InstanceTelemetry(serviceName, instanceId(provider)));
        services.AddSingleton<SpanRedaction>();
        AddLogs(builder.Logging);

        var telemetry = services.AddOpenTelemetry();
        telemetry.ConfigureResource(static resource => resource.AddDetector(static provider => new InstanceDetector(provider.GetRequiredService<InstanceTelemetry>(), provider.GetRequiredService<IConfiguration>())));
        telemetry.WithMetrics(AddMetrics);
        services.ConfigureOpenTelemetryMeterProvider(AddOwnMeters);
        if (string.IsNullOrWhiteSpace(builder.Configuration[EndpointSetting])) return;

        telemetry.WithMetrics(static metrics => metrics.AddOtlpExporter());
        telemetry.WithTracing(AddTraces);
        builder.Logging.AddOpenTelemetry(static logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.AddOtlpExporter();
        });
    }

    private static void AddLogs(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(static console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss ";
            console.ColorBehavior = LoggerColorBehavior.Default;
        });
        logging.Services.PostConfigure<LoggerFilterOptions>(LogRules.Apply);
    }

    private static void AddMetrics(MeterProviderBuilder metrics) => metrics
        .AddRuntimeInstrumentation()
        .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
        .AddPrometheusExporter(static prometheus =>
        {
            prometheus.ScopeInfoEnabled = false;
            prometheus.TargetInfoEnabled = false;
            prometheus.ScrapeResponseCacheDurationMilliseconds = 0;
        });

    private static void AddOwnMeters(IServiceProvider provider, MeterProviderBuilder metrics)
    {
        metrics.AddMeter(provider.GetRequiredService<InstanceTelemetry>().Meter.Name);
        // The framework's meters have the same name in every service of the process; the factory tells whose one is.
        var own = provider.GetRequiredService<IMeterFactory>();
        metrics.AddView(instrument =>
            instrument.Meter.Scope is IMeterFactory factory && factory != own ? MetricStreamConfiguration.Drop
            : instrument is Histogram<double> { Unit: "s" } seconds && instrument.Meter.Scope is null
                ? new ExplicitBucketHistogramConfiguration { Boundaries = seconds.Advice?.HistogramBucketBoundaries is { } boundaries ? [.. boundaries] : _seconds }
            : null);
    }

    private static void AddTraces(TracerProviderBuilder traces)
    {
        traces.AddAspNetCoreInstrumentation(static requests => requests.Filter = static context => !_untraced.Contains(context.Request.Path.Value));
        traces.AddHttpClientInstrumentation();
        ((IDeferredTracerProviderBuilder)traces).Configure(static (provider, deferred) =>
        {
            var telemetry = provider.GetRequiredService<InstanceTelemetry>();
            deferred.AddSource(telemetry.Activities.Name);
            // The same options that the exporters of logs and metrics read, from configuration.
            var exporter = new OtlpTraceExporter(provider.GetRequiredService<IOptionsMonitor<OtlpExporterOptions>>().CurrentValue);
            ActivitySource[] own = [telemetry.Activities, provider.GetRequiredService<ActivitySource>()];
            deferred.AddProcessor(new OwnSpans(new BatchActivityExportProcessor(exporter), provider.GetRequiredService<SpanRedaction>(), own));
        });
    }

    /// <summary>
    /// What this service is called where its telemetry goes: as OpenTelemetry's own settings say, by which an orchestrator finds its resources again, else by what
    /// it is and its node id.
    /// </summary>
    private sealed class InstanceDetector(InstanceTelemetry telemetry, IConfiguration configuration) : IResourceDetector
    {
        public Resource Detect() => ResourceBuilder.CreateEmpty()
            .AddService(
                configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : telemetry.ServiceName, "mdfs", autoGenerateServiceInstanceId: false,
                serviceInstanceId: Given("service.instance.id") ?? telemetry.InstanceId)
            .AddAttributes([new("mdfs.instance", telemetry.InstanceId)])
            .Build();

        private string? Given(string attribute) => (configuration["OTEL_RESOURCE_ATTRIBUTES"] ?? "").Split(',')
            .Select(static pair => pair.Split('=', 2))
            .FirstOrDefault(pair => pair.Length == 2 && pair[0].Trim() == attribute)?[1].Trim();
    }
}
