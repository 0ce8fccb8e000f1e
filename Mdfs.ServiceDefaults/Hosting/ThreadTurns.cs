using System.Runtime.InteropServices;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>Which threads have their turn first: those that somebody waits for before those whose work can wait for milliseconds.</summary>
public static unsafe partial class ThreadTurns
{
    /// <summary>The least there is, in nanoseconds.</summary>
    public const ulong Shortest = 100_000;

    private const uint Normal = 0;
    private const int OfThread = 0;
    private const int Step = 10;
    private const int Least = 19;

    /// <summary>
    /// Asks for the shortest slices for the calling thread. Since Linux 6.12 such a thread, when it wakes, need not wait until whoever has the processor, such as healing that writes, has
    /// used up milliseconds. What it gets in all stays the same, and nobody's leave is needed for it. Older systems and other ones leave it as it is.
    /// </summary>
    /// <returns>Whether the system has agreed; older ones agree, and make nothing of it.</returns>
    public static bool ComeSooner()
    {
        if (!OperatingSystem.IsLinux() || Calls() is not { } calls) return false;
        try
        {
            // What else is set, such as the niceness, stays.
            var attributes = default(Attributes);
            if (syscall(calls.Get, 0, &attributes, (uint)sizeof(Attributes), 0) != 0 || attributes.Policy != Normal) return false;
            attributes.Runtime = Shortest;
            return syscall(calls.Set, 0, &attributes, 0, 0) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>
    /// Gives way to others: where there is not enough for all the calling thread gets a tenth of what one of them does. For good: to take it back needs more rights.
    /// </summary>
    public static bool GiveWay()
    {
        if (!OperatingSystem.IsLinux()) return false;
        // Of a thread, on this system. What it was may be below zero, and is then no error.
        var now = getpriority(OfThread, 0);
        return setpriority(OfThread, 0, Math.Min(now + Step, Least)) == 0;
    }

    /// <summary>How nice the calling thread is.</summary>
    public static int Niceness() => OperatingSystem.IsLinux() ? getpriority(OfThread, 0) : 0;

    /// <summary>The slice that the calling thread has asked for; 0: that of all threads, or an older system.</summary>
    public static ulong Slice()
    {
        var attributes = default(Attributes);
        return Calls() is { } calls && syscall(calls.Get, 0, &attributes, (uint)sizeof(Attributes), 0) == 0 ? attributes.Runtime : 0;
    }

    // The library has no functions for these two.
    private static (nint Set, nint Get)? Calls() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (314, 315),
        Architecture.Arm64 => (274, 275),
        _ => null,
    };

    [StructLayout(LayoutKind.Sequential)]
    private struct Attributes
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Nice;
        public uint Priority;
        public ulong Runtime;
        public ulong Deadline;
        public ulong Period;
    }

#pragma warning disable IDE1006, SA1300 // They are called as the library calls them.
    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint thread, Attributes* attributes, uint sizeOrFlags, uint flags);

    [LibraryImport("libc")]
    private static partial int getpriority(int which, uint who);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, uint who, int niceness);
#pragma warning restore IDE1006, SA1300
}
