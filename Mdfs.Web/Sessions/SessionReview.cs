using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Web.Sessions;

/// <summary>Ends, within seconds, the pages of sessions that were signed out on another server.</summary>
public sealed class SessionReview(SessionStore sessions, TimeProvider time, ILogger<SessionReview> logger) : PeriodicService(time, static () => TimeSpan.FromSeconds(3), logger)
{
    protected override Task RunAsync(CancellationToken cancellationToken) => sessions.ReviewAsync();
}
