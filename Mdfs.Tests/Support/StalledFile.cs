using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Tests.Support;

/// <summary>A pipe in the place of a file that is about to be written: whoever opens it waits until somebody opens the other end, as on a disk that takes its time. What is then written to it cannot be synced.</summary>
internal sealed partial class StalledFile(string otherEnd)
{
    private const int OwnerReadsAndWrites = 384;

    /// <param name="otherEnd">Another name of it, so that it can be let go whatever has become of its place meanwhile.</param>
    public static StalledFile Make(string place, string otherEnd)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has pipes with a name that wait like that.");
        if (MakePipe(otherEnd, OwnerReadsAndWrites) < 0 || Link(otherEnd, place) < 0) throw new IOException($"{place} could not be made a pipe: {Marshal.GetLastPInvokeErrorMessage()}");
        return new StalledFile(otherEnd);
    }

    /// <summary>Whoever waits goes on.</summary>
    public SafeFileHandle LetGo() => File.OpenHandle(otherEnd, access: FileAccess.ReadWrite);

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, int mode);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);
}
