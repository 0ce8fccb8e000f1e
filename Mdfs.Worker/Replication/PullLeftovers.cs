using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Replication;

/// <summary>
/// Removes beginnings of pulls that nobody asked to go on for a whole period: the fixer chose another node, or the movie is gone. Counted in
/// rounds, not by file times, which a stepped clock would falsify.
/// </summary>
internal sealed partial class PullLeftovers(DataDirectory directory, PullDesk pulls, PullRunner runner, TimeProvider time, ILogger<PullLeftovers> logger)
    : PeriodicService(time, static () => TimeSpan.FromHours(1), logger)
{
    private HashSet<MovieVersion> _idle = [];

    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        var idle = new HashSet<MovieVersion>();
        foreach (var file in Directory.EnumerateFiles(directory.Incoming, DataDirectory.PullPrefix + "*"))
        {
            var name = Path.GetFileName(file).AsSpan(DataDirectory.PullPrefix.Length);
            if (MovieVersion.TryParse(name, out var version) && !pulls.IsPulling(version)) idle.Add(version);
        }

        foreach (var version in idle.Intersect(_idle).ToList())
        {
            if (runner.Forget(version)) LogRemoved(version);
        }

        _idle = idle;
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The beginning of a pull of version {Version} was removed: nobody asked to go on with it.")]
    private partial void LogRemoved(MovieVersion version);
}
