using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>Reading what the system has in memory of a file, and nothing else: nobody waits for a disk.</summary>
public static class CachedFile
{
    /// <returns>Bytes read, from this place on and without a gap; 0: none of them is in memory, or the file system does not tell.</returns>
    public static int Read(SafeFileHandle file, Span<byte> into, long from) => Math.Max(0, LoopSystem.ReadCached(file, into, from));
}
