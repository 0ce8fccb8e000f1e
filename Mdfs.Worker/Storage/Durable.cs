using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Makes what was written survive a power cut: a file's bytes by fsync, its name by an fsync of the directory that holds it. POSIX promises
/// neither from <c>close</c> or <c>rename</c> alone.
/// </summary>
internal static partial class Durable
{
    /// <summary>The ending of files that are not yet what they will be; removed at start.</summary>
    public const string Unfinished = ".tmp";

    /// <summary>Writes a small file whole or not at all: temporary file, fsync, rename, fsync of the directory.</summary>
    public static void WriteFile(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + Unfinished;
        try
        {
            using (var handle = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(handle, content, 0);
                Flush(handle);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            // Whoever is told that it was not written asks for no trace of it to be removed.
            File.Delete(temporary);
            throw;
        }

        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>
    /// The file's bytes are on the disk when this returns. Not by the runtime's own call where there is another way: it takes EROFS, EINVAL and ENOTSUP for files that cannot be synced and
    /// need not be, and with EROFS ext4 answers every fsync after the first one that failed, when its journal has been given up.
    /// </summary>
    /// <exception cref="IOException">They may not be there, and what a reading of the file says of them is no proof.</exception>
    public static void Flush(SafeFileHandle handle)
    {
        const int interrupted = 4;
        if (!OperatingSystem.IsLinux())
        {
            // On macOS it is more than an fsync, which leaves the bytes in the drive's cache there.
            RandomAccess.FlushToDisk(handle);
            return;
        }

        while (Fsync(handle) < 0)
        {
            if (Marshal.GetLastPInvokeError() is not interrupted and var error) throw new IOException($"fsync failed: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }
    }

    /// <summary>Runs the fsync beside the caller, since it may take as long as the disk is busy.</summary>
    public static Task FlushAsync(SafeFileHandle handle) => Task.Run(() => Flush(handle));

    /// <summary>Makes creations, renames and removals in a directory durable. Windows has no such call and needs none: NTFS journals names.</summary>
    /// <exception cref="IOException">The directory could not be opened or synchronised.</exception>
    public static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw Failure("open", path);
        try
        {
            if (Fsync(descriptor) < 0) throw Failure("fsync", path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Whether the disk had no room for a write.</summary>
    public static bool IsDiskFull(IOException error) =>
        // ENOSPC and EDQUOT as .NET passes them on from Unix, ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL from Windows.
        error.HResult is 28 or 122 or unchecked((int)0x80070070) or unchecked((int)0x80070027);

    /// <summary>Whether a file could not be opened for a reason that says nothing about it or its disk: too many are open, memory is short, or somebody else has it for himself.</summary>
    public static bool IsOfTheMoment(IOException error) =>
        // EAGAIN, ENOMEM, ENFILE and EMFILE, and EWOULDBLOCK as macOS counts; ERROR_TOO_MANY_OPEN_FILES, ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
        error.HResult is 11 or 12 or 23 or 24 or 35 or unchecked((int)0x80070004) or unchecked((int)0x80070020) or unchecked((int)0x80070021);

    /// <summary>
    /// Gives a file the blocks for so many bytes, where the file system can; where it ends does not change. So a disk that is full says so before the first byte, and what
    /// others write meanwhile cannot take the room.
    /// </summary>
    /// <returns>False: this file system cannot.</returns>
    /// <exception cref="IOException">The disk has no room for it (<see cref="IsDiskFull"/>).</exception>
    public static bool TryAllocate(SafeFileHandle file, long length)
    {
        const int interrupted = 4, noSpace = 28, overQuota = 122, keepSize = 1;
        if (!OperatingSystem.IsLinux() || length <= 0) return false;
        while (Allocate(file, keepSize, 0, length) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error is noSpace or overQuota) throw new IOException("There is no room on the disk.", error);
            if (error != interrupted) return false;
        }

        return true;
    }

    /// <summary>A second name for the bytes of a file; a copy of them where the file system knows no links. The caller syncs the directory.</summary>
    public static void LinkFile(string path, string target)
    {
        File.Delete(target);
        if (!OperatingSystem.IsWindows() && Link(path, target) == 0) return;
        File.Copy(path, target);
        using var copy = File.OpenHandle(target, FileMode.Open, FileAccess.ReadWrite);
        Flush(copy);
    }

    /// <summary>Whether a file can be renamed from one path to the other: not from one file system to another, nor from one mount to another, where .NET would copy it and nobody sync the copy.</summary>
    /// <returns>False: they are not on one. True as well where it fails for another reason, which whoever renames will hear.</returns>
    public static bool CanRename(string path, string target)
    {
        const int otherDevice = 18;
        return OperatingSystem.IsWindows() || Rename(path, target) == 0 || Marshal.GetLastPInvokeError() != otherDevice;
    }

    private static IOException Failure(string call, string path) =>
        new($"{call} of directory '{path}' failed: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string path, string target);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string path, string target);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
