using System.Runtime.InteropServices;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Tests.Unit;

public sealed class ThreadTurnsTests
{
    [Fact]
    public void A_thread_that_somebody_waits_for_asks_for_the_shortest_slices()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64, "Slices are asked for on Linux.");
        var (agreed, slice) = OnItsOwn(static () => (ThreadTurns.ComeSooner(), ThreadTurns.Slice()));
        Assert.True(agreed);
        // Older systems agree, and know of no slices.
        if (Environment.OSVersion.Version >= new Version(6, 12)) Assert.Equal(ThreadTurns.Shortest, slice);
    }

    [Fact]
    public void One_that_gives_way_does_so_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Threads are nice on Linux.");
        var before = ThreadTurns.Niceness();
        var (agreed, nice) = OnItsOwn(static () => (ThreadTurns.GiveWay(), ThreadTurns.Niceness()));
        Assert.True(agreed);
        Assert.Equal(Math.Min(before + 10, 19), nice);
        Assert.Equal(before, ThreadTurns.Niceness());
    }

    private static T OnItsOwn<T>(Func<T> what)
    {
        var result = default(T)!;
        var thread = new Thread(() => result = what());
        thread.Start();
        thread.Join();
        return result;
    }
}
