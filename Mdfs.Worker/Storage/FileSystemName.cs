using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Mdfs.Worker.Storage;

/// <summary>What tells the master that two workers share a disk, whose room is there once: the machine's boot and the device. Containers on one machine see the same of both.</summary>
internal static partial class FileSystemName
{
    private const int PathMax = 4096;

    /// <summary>Null: this system does not tell.</summary>
    public static string? Of(string directory)
    {
        if (OperatingSystem.IsWindows()) return $"{Environment.MachineName} {Path.GetPathRoot(directory)}";
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            return DeviceOf(File.ReadLines("/proc/self/mountinfo"), Resolve(directory)) is { } device ? $"{boot} {device}" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Without links anywhere in it: a directory lies where its last link leads. And not by its device number, which Btrfs has one of for each subvolume.</summary>
    /// <exception cref="IOException">There is no such directory.</exception>
    internal static string Resolve(string directory)
    {
        var path = new byte[PathMax];
        if (RealPath(directory, path) == 0) throw new IOException($"realpath of '{directory}' failed: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());
        return Encoding.UTF8.GetString(path.AsSpan(0, path.AsSpan().IndexOf((byte)0)));
    }

    /// <summary>Of the mount point that is longest and, of several in one place, the last: it hides the others. See proc_pid_mountinfo(5).</summary>
    internal static string? DeviceOf(IEnumerable<string> mounts, string directory)
    {
        var (device, longest) = ((string?)null, -1);
        foreach (var line in mounts)
        {
            if (line.Split(' ') is not [_, _, var number, _, var escaped, ..]) continue;
            var point = Regex.Replace(escaped, @"\\([0-7]{3})", static match => $"{(char)Convert.ToInt32(match.Groups[1].Value, 8)}").TrimEnd('/');
            if (point.Length >= longest && (directory == point || directory.StartsWith(point + '/', StringComparison.Ordinal))) (device, longest) = (number, point.Length);
        }

        return device;
    }

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, [Out] byte[] resolved);
}
