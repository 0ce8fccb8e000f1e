using System.Globalization;
using System.Security.Cryptography;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Where deleted files wait for their blocks to be freed: the rename is instant and decides, the unlink of a large file may take seconds and
/// happens beside. Emptied at start too.
/// </summary>
internal sealed partial class Trash(DataDirectory directory, TimeProvider time, ILogger<Trash> logger)
    : PeriodicService(time, static () => TimeSpan.FromMinutes(1), logger)
{
    /// <summary>Moves a file away; nothing happens when it is not there. The caller makes it durable by syncing the directory.</summary>
    /// <exception cref="DirectoryNotFoundException">Where it lies is not there either: the disk is away and the file still on it, so whoever throws it must not forget it.</exception>
    public void Throw(string path)
    {
        var target = Path.Combine(directory.Trash, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)}.{RandomNumberGenerator.GetHexString(8)}"));
        try
        {
            File.Move(path, target);
        }
        catch (FileNotFoundException) when (Directory.Exists(Path.GetDirectoryName(path)))
        {
            return;
        }
        catch (FileNotFoundException error)
        {
            throw new DirectoryNotFoundException($"'{path}' cannot be removed: its directory is not there. Is its disk mounted?", error);
        }

        Wake();
    }

    protected override Task RunAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            // Not while the disk is away; the next look comes.
            if (!Directory.Exists(directory.Trash)) return;
            foreach (var file in Directory.EnumerateFiles(directory.Trash))
            {
                cancellationToken.ThrowIfCancellationRequested();
                try
                {
                    File.Delete(file);
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    LogStays(error, file);
                }
            }
        },
        cancellationToken);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The deleted file '{File}' could not be removed and keeps its space until the next attempt.")]
    private partial void LogStays(Exception error, string file);
}
