using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Mdfs.Tests.Support;

/// <summary>
/// What this thread has computed: on a machine that runs other tests beside this one the clock on the wall says little about the work done. Where the system does not
/// tell, the clock on the wall.
/// </summary>
public static partial class ThreadTime
{
    private const int ThreadCpuClock = 3;

    public static TimeSpan Now =>
        OperatingSystem.IsLinux() && clock_gettime(ThreadCpuClock, out var time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0)
            : Stopwatch.GetElapsedTime(0);

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}
