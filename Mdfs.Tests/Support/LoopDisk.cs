using System.Diagnostics;
using System.Globalization;

namespace Mdfs.Tests.Support;

/// <summary>A small file system of a kind of its own, in a file that is mounted. Only root may mount.</summary>
public sealed class LoopDisk : IDisposable
{
    private readonly TempDirectory _directory = new();
    private string? _device;

    public string Path => _directory["disk"];

    /// <summary>Skips the test where such a disk cannot be had; root in continuous integration has to have it.</summary>
    /// <param name="kind"><c>xfs</c> or <c>btrfs</c>.</param>
    /// <param name="sector">Bytes of its sectors.</param>
    public static async Task<LoopDisk> TryMakeAsync(string kind, int sector = 512)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root may mount a file system.");
        var make = Tools.Require($"mkfs.{kind}");
        var disk = new LoopDisk();
        var file = disk._directory["file"];
        using (var image = File.Create(file)) image.SetLength(400L << 20);
        Directory.CreateDirectory(disk.Path);
        var (device, error) = await RunAsync("losetup", "--sector-size", sector.ToString(CultureInfo.InvariantCulture), "--find", "--show", file);
        if (error is null) disk._device = device.Trim();
        error ??= (await RunAsync(make, "-q", disk._device!)).Error ?? (await RunAsync("mount", disk._device!, disk.Path)).Error;
        if (error is null) return disk;
        disk.Detach();
        disk._directory.Dispose();
        Tools.Lack($"A disk of its own cannot be made here: {error}");
        throw new UnreachableException();
    }

    /// <summary>Bytes of a file whose blocks another file has as well.</summary>
    public static async Task<long> SharedBytesAsync(string file)
    {
        var (said, error) = await RunAsync(Tools.Require("filefrag"), "-b1", "-v", file);
        Assert.Null(error);
        // "   0:        0.. 8388607:   98304..  8486911: 8388608:   last,shared,eof"
        return said.Split('\n').Select(static line => line.Split(':', StringSplitOptions.TrimEntries))
            .Where(static parts => parts.Length >= 5 && parts[^1].Contains("shared", StringComparison.Ordinal)).Sum(static parts => long.Parse(parts[3], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        using (var unmount = Process.Start("umount", ["-l", Path])) unmount.WaitForExit();
        Detach();
        _directory.Dispose();
    }

    // While somebody still has a file open there it goes when that is closed.
    private void Detach()
    {
        if (_device is null) return;
        using var detach = Process.Start("losetup", ["--detach", _device]);
        detach.WaitForExit();
    }

    private static async Task<(string Said, string? Error)> RunAsync(string program, params string[] arguments)
    {
        using var run = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = run.StandardError.ReadToEndAsync();
        var said = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        return (said, run.ExitCode == 0 ? null : (await error).Trim());
    }
}
