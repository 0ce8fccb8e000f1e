using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Copies bytes between two files inside the kernel. On file systems that share blocks (XFS, Btrfs) whole blocks are not even copied: copy_file_range tries that
/// first by itself.
/// </summary>
internal static partial class FileCopy
{
    /// <summary>Bytes that were copied: at least one. 0: this system or these two files cannot, and the caller copies by itself.</summary>
    public static long TryCopy(SafeFileHandle from, long fromOffset, SafeFileHandle to, long toOffset, long length)
    {
        if (!OperatingSystem.IsLinux()) return 0;
        var copied = CopyFileRange(from, ref fromOffset, to, ref toOffset, (nuint)length, 0);
        return copied > 0 ? (long)copied : 0;
    }

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint CopyFileRange(SafeFileHandle from, ref long fromOffset, SafeFileHandle to, ref long toOffset, nuint length, uint flags);
}
