using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Heartbeats;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Looks with every beat whether the data directory is there, is this node's, and can be written: a disk that was unmounted leaves an empty directory behind, and a failing one is
/// made read-only by the kernel. Then the node says so and is out, until it is as it was: it takes nothing, and its copies do not count.
/// </summary>
internal sealed partial class DirectoryWatch(
    DataDirectory directory, NodeMemory memory, EmergencyRoom emergency, BeatBell bell, IOptions<WorkerOptions> options, TimeProvider time, ILogger<DirectoryWatch> logger)
    : PeriodicService(time, () => options.Value.HeartbeatInterval, logger)
{
    private volatile string? _trouble;

    /// <summary>What is wrong, as a sentence; null: nothing.</summary>
    public string? Trouble => _trouble;

    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        var trouble = Look();
        if (trouble is null) emergency.Keep();
        if (trouble == _trouble) return Task.CompletedTask;
        if (trouble is null) LogWell(directory.Root);
        else LogTrouble(trouble);
        // In this order: what is obeyed in memory alone is obeyed by a node that is out already.
        _trouble = trouble;
        if (trouble is not null) memory.GoOut();
        bell.Ring();
        return Task.CompletedTask;
    }

    private string? Look()
    {
        try
        {
            if (!memory.IsOnDisk()) return $"The data directory '{directory.Root}' is not this node's any more: it is empty, or another one's. Is its disk mounted?";
            Probe();
            memory.ComeBack();
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"The data directory '{directory.Root}' cannot be written: {error.Message}";
        }
    }

    private void Probe()
    {
        try
        {
            var probe = Path.Combine(directory.Root, "probe" + Durable.Unfinished);
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            // Full is not broken: it serves and deletes.
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Trouble} This node takes nothing, and its copies do not count, until that is mended.")]
    private partial void LogTrouble(string trouble);

    [LoggerMessage(Level = LogLevel.Information, Message = "The data directory '{Directory}' is in order again.")]
    private partial void LogWell(string directory);
}
