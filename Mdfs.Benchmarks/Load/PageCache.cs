namespace Mdfs.Benchmarks.Load;

/// <summary>
/// Makes the system's memory as full as that of a server that has been up for a day: of files that nobody needs. Uploads then get pages that are used again, as they do there; on a machine that has
/// just started, a virtual one most of all, a page that was never used costs more than the bytes that go into it.
/// </summary>
internal static class PageCache
{
    // Left free for the servers, which grow, and for the driver.
    private const long Spare = 700L << 20;

    /// <summary>The file takes no room on the disk, and has to stay for as long as its pages shall.</summary>
    public static void Fill(string directory)
    {
        var size = (1024 * ServerProcess.Field("/proc/meminfo", "MemFree:")) - Spare;
        if (size <= 0) return;
        var path = Path.Combine(directory, "zeros");
        using (var holes = File.Create(path)) holes.SetLength(size);
        using var zeros = File.OpenHandle(path);
        var buffer = new byte[4 << 20];
        for (var at = 0L; RandomAccess.Read(zeros, buffer, at) is > 0 and var read;) at += read;
    }
}
