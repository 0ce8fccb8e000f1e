using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Mdfs.Tests.Support;

/// <summary>What of a file the system holds in memory. A read that must not wait would tell as well, but begins to fetch what is not there, and finds it where the disk is quicker than the asking.</summary>
internal static partial class SystemCache
{
    /// <summary>Whether the byte at each of these places is held; nothing is fetched by asking.</summary>
    public static unsafe IReadOnlyList<bool> Holds(string path, IEnumerable<long> places)
    {
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using var view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        var pages = new byte[(view.Capacity + Environment.SystemPageSize - 1) / Environment.SystemPageSize];
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            if (InCore(start, (nuint)view.Capacity, pages) < 0) throw new IOException($"mincore failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        return [.. places.Select(place => (pages[place / Environment.SystemPageSize] & 1) == 1)];
    }

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static unsafe partial int InCore(byte* start, nuint length, [Out] byte[] pages);
}
