using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Files past the system's cache (<c>O_DIRECT</c>). What is written once and not soon read, as a movie that arrives, would push what is being played out of memory, and each of its
/// bytes would be copied once more; and a scrub that reads from memory says nothing about the disk.
/// </summary>
internal static partial class DirectFile
{
    /// <summary>What places, lengths and memory are a multiple of: as much as any disk asks for.</summary>
    public const int Alignment = 4096;

    private const int WriteOnly = 1, ReadOnly = 0, CloseOnExec = 0x80000;

    /// <summary>Another handle for a file that is open; null: this system or file system has no such way.</summary>
    public static SafeFileHandle? TryReopen(SafeFileHandle file, bool write)
    {
        if (!OperatingSystem.IsLinux()) return null;
        // By number rather than by name: what the name means may have changed since.
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.DangerousGetHandle()}");
        var descriptor = Open(path, (write ? WriteOnly : ReadOnly) | CloseOnExec | Flag, 0);
        GC.KeepAlive(file);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    // One of the few flags whose value depends on the processor.
    private static int Flag => RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 ? 0x10000 : 0x4000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);
}
