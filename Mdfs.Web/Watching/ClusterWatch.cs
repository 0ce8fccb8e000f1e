using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Web.Api;
using Mdfs.Web.Sessions;
using Microsoft.Extensions.Options;

namespace Mdfs.Web.Watching;

/// <summary>Asks the master how the cluster fares, once for everybody who looks at this console, however many they are; seldom when nobody does.</summary>
public sealed partial class ClusterWatch : PeriodicService
{
    private static readonly TimeSpan _unwatched = TimeSpan.FromSeconds(15);

    private readonly MasterApi _master;
    private readonly MasterAddresses _addresses;
    private readonly ConsoleRedis _redis;
    private readonly WebOptions _options;
    private readonly Viewers _viewers;
    private readonly ILogger<ClusterWatch> _logger;
    private volatile ClusterPicture _picture = ClusterPicture.Empty;
    private DateTimeOffset _nextHour;
    private DateTimeOffset _nextDay;

    public ClusterWatch(MasterApi master, MasterAddresses addresses, ConsoleRedis redis, IOptions<WebOptions> options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ClusterWatch> logger)
        : this(master, addresses, redis, options, time, logger, new Viewers())
    {
        lifetime.ApplicationStarted.Register(Wake);
    }

    private ClusterWatch(MasterApi master, MasterAddresses addresses, ConsoleRedis redis, IOptions<WebOptions> options, TimeProvider time, ILogger<ClusterWatch> logger, Viewers viewers)
        : base(time, () => viewers.Any ? options.Value.PollInterval : _unwatched, logger)
    {
        (_master, _addresses, _redis, _options, _viewers, _logger) = (master, addresses, redis, options.Value, viewers, logger);
    }

    public ClusterPicture Picture => _picture;

    /// <summary>Calls back after every look, from whatever thread, until it is disposed of.</summary>
    public IDisposable Look(Action<ClusterPicture> changed)
    {
        var viewing = _viewers.Add(changed);
        // Who has just come wants to know now.
        Wake();
        return viewing;
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        // Where both share a host it listens in a moment, and is not away until then.
        if (_addresses.Current is null) return;
        var before = _picture;
        var now = Time.GetUtcNow();
        var cluster = await _master.ClusterAsync(cancellationToken);
        var sessionsAway = !_redis.Answers;
        ClusterPicture picture;
        if (cluster.Succeeded)
        {
            var nodes = await _master.NodesAsync(cancellationToken);
            picture = before with
            {
                Cluster = cluster.Value,
                Nodes = nodes.Value ?? before.Nodes,
                Hour = await HourAsync(before.Hour, now, cancellationToken),
                Day = await DayAsync(before.Day, now, cancellationToken),
                HeardAt = now,
                MasterAwaySince = null,
                Refused = null,
                SessionsAway = sessionsAway,
            };
            if (before.MasterAway || before.Refused is not null) LogBack();
        }
        else if (cluster.Refusal.Away)
        {
            picture = before with { MasterAwaySince = before.MasterAwaySince ?? now, Refused = null, SessionsAway = sessionsAway };
            if (!before.MasterAway) LogAway(cluster.Refusal.Detail);
        }
        else
        {
            picture = before with { MasterAwaySince = null, Refused = cluster.Refusal, SessionsAway = sessionsAway };
            if (before.Refused?.Type != cluster.Refusal.Type) LogRefused(cluster.Refusal.Detail);
        }

        _picture = picture;
        _viewers.Tell(picture);
    }

    // As often as there is something new in them.
    private async Task<History?> HourAsync(History? before, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!_viewers.Any || now < _nextHour) return before;
        var history = await _master.HistoryAsync(60, cancellationToken);
        _nextHour = now + TimeSpan.FromSeconds(10);
        return history.Value ?? before;
    }

    private async Task<History?> DayAsync(History? before, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!_viewers.Any || now < _nextDay) return before;
        var history = await _master.HistoryAsync(24 * 60, cancellationToken);
        _nextDay = now + TimeSpan.FromMinutes(1);
        return history.Value ?? before;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The console does not hear the master: {Reason}. It goes on asking.")]
    private partial void LogAway(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The master refuses the console: {Reason} It goes on asking.")]
    private partial void LogRefused(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The console hears the master again.")]
    private partial void LogBack();

    private sealed class Viewers
    {
        private readonly Lock _gate = new();
        private readonly List<Viewing> _all = [];

        public bool Any
        {
            get
            {
                lock (_gate) return _all.Count > 0;
            }
        }

        public Viewing Add(Action<ClusterPicture> changed)
        {
            var viewing = new Viewing(this, changed);
            lock (_gate) _all.Add(viewing);
            return viewing;
        }

        public void Remove(Viewing viewing)
        {
            lock (_gate) _all.Remove(viewing);
        }

        public void Tell(ClusterPicture picture)
        {
            Viewing[] all;
            lock (_gate) all = [.. _all];
            foreach (var viewing in all) viewing.Changed(picture);
        }
    }

    private sealed class Viewing(Viewers viewers, Action<ClusterPicture> changed) : IDisposable
    {
        public Action<ClusterPicture> Changed => changed;

        public void Dispose() => viewers.Remove(this);
    }
}
