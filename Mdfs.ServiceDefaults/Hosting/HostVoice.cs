using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>What the host itself writes to the log. Of a start that failed nothing: whoever started it is told, and says it in a sentence; the host would put a stack before it. Afterwards all, of work that has crashed for instance.</summary>
public sealed class HostVoice
{
    private volatile bool _started;

    private HostVoice()
    {
    }

    public static void AddTo(WebApplicationBuilder builder)
    {
        var voice = new HostVoice();
        builder.Services.AddSingleton(voice);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => voice._started && level >= LogLevel.Warning);
    }

    public static void RiseWhenStarted(WebApplication app)
    {
        var voice = app.Services.GetRequiredService<HostVoice>();
        app.Lifetime.ApplicationStarted.Register(() => voice._started = true);
    }
}
