using Mdfs.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>Lets a service answer some requests on loops of its own (docs/decisions/event-loops.md), where the system has what they are made of.</summary>
public static class LoopHosting
{
    /// <summary>How many loops: 0 for none, so that the usual server answers everything. Default: one per processor, eight at most; 64 at most when it is set.</summary>
    public const string Setting = "Mdfs:EventLoops";

    private const int Most = 64;

    /// <summary>How many there are unless it is said.</summary>
    public static int Usual => Math.Min(Environment.ProcessorCount, 8);

    /// <param name="leaveAtOnce">What is being sent when the service is told to stop is broken off: another replica goes on from the exact byte. Else it has as long as other requests have.</param>
    public static void AnswerOnLoops<TServer>(this WebApplicationBuilder builder, bool leaveAtOnce)
        where TServer : class, ILoopServer
    {
        var count = Count(builder.Configuration);
        _ = LoopPipes.IsWanted(builder.Configuration);
        if (count == 0 || !LoopSystem.IsKnown) return;
        builder.Services.AddSingleton<ILoopServer, TServer>();
        builder.Services.AddSingleton<LoopTelemetry>();
        builder.Services.AddSingleton(provider =>
        {
            var loops = new EventLoops(count, provider.GetRequiredService<LoopTelemetry>(), provider.GetRequiredService<ILogger<EventLoops>>());
            if (leaveAtOnce) provider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(loops.Dispose);
            return loops;
        });
        builder.Services.AddSingleton<IConnectionListenerFactory, LoopListeners>();
    }

    /// <summary>How many loops are asked for, whether the system has them or not.</summary>
    /// <exception cref="SettingException">It is out of its bounds.</exception>
    public static int Count(IConfiguration configuration) =>
        SettingException.Read(configuration, Setting, Usual) is var count and >= 0 and <= Most
            ? count
            : throw new SettingException($"{Setting} must be a number from 0 to {Most}, not '{configuration[Setting]}'.");
}
