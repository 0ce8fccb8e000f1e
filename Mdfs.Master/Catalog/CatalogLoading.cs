using Mdfs.Master.Cluster;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Catalog;

/// <summary>
/// Runs before anything else starts, Kestrel included: takes the epoch and loads the catalog, so that no request is answered from an empty one
/// (design, section 2.6). A Redis that does not answer for a while is not waited for: the master then serves, read-only, what workers report.
/// </summary>
public sealed partial class CatalogLoading(CatalogSession session, NodeRegistry registry, IOptions<MasterOptions> options, TimeProvider time, ILogger<CatalogLoading> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (!await session.TryAttachAsync(options.Value.RedisStartWait, cancellationToken))
        {
            if (time.GetElapsedTime(started) >= options.Value.RedisStartWait)
            {
                LogReadOnly(session.Health.Sentence);
                return;
            }

            await Task.Delay(_pause, time, cancellationToken);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Kestrel listens: from here on silence means something.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        registry.Listen();
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Error, Message = "Redis cannot be reached ({Reason}). The master starts read-only and serves what workers report; it becomes writable by itself when Redis is back.")]
    private partial void LogReadOnly(string reason);
}
