using System.Collections.Concurrent;
using System.Diagnostics;

namespace Mdfs.Tests.Support;

/// <summary>Real movies, made by ffmpeg: each kind once per run of the tests.</summary>
public static class RealMovies
{
    private static readonly TempDirectory _directory = new();
    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> _made = new();

    static RealMovies() => AppDomain.CurrentDomain.ProcessExit += (_, _) => _directory.Dispose();

    /// <summary>H.264 and AAC with the index at the end, as encoders leave it: a player must seek there before it can play.</summary>
    public static Task<string> IndexAtEndAsync() => MakeAsync("index-at-end.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac");

    /// <summary>The same with the index in front.</summary>
    public static Task<string> FastStartAsync() =>
        MakeAsync("fast-start.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", "-movflags", "+faststart");

    /// <summary>VP8 and Opus.</summary>
    public static Task<string> WebmAsync() => MakeAsync("web.webm", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", "-g", "25", "-c:a", "libopus");

    /// <summary>Two minutes of the first kind at a high rate: more than players and connections hold at once, so that a seek is a request.</summary>
    public static Task<string> LongAsync() => MakeAsync(
        "long.mp4", LongSeconds, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "16", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac");

    public const int LongSeconds = 120;

    /// <summary>Seconds that each of the others plays.</summary>
    public const int Seconds = 20;

    /// <summary>Runs a program to its end and returns what it wrote to standard output; fails with what it wrote to standard error when it ends badly.</summary>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}:\n{await errors}");
            return await output;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private static Task<string> MakeAsync(string name, params string[] coding) => MakeAsync(name, Seconds, coding);

    private static Task<string> MakeAsync(string name, int seconds, params string[] coding)
    {
        var ffmpeg = Tools.Require("ffmpeg");
        return _made.GetOrAdd(name, _ => new(() => EncodeAsync(ffmpeg, name, seconds, coding))).Value;
    }

    private static async Task<string> EncodeAsync(string ffmpeg, string name, int seconds, string[] coding)
    {
        var path = _directory[name];
        string[] source =
        [
            "-v", "error", "-f", "lavfi", "-i", $"testsrc2=size=640x360:rate=25:duration={seconds}", "-f", "lavfi", "-i", $"sine=frequency=440:duration={seconds}",
        ];
        await RunAsync(ffmpeg, [.. source, .. coding, path], CancellationToken.None);
        return path;
    }
}
