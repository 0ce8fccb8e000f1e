using System.Runtime.CompilerServices;

namespace Mdfs.Tests.Support;

/// <summary>What lives in the managed memory of this process. The runtime's own count is content when two collections differ by less than a twentieth, which here, with what other tests have left, is more than what is measured.</summary>
internal static class SettledMemory
{
    private const long Settled = 64 << 10;

    /// <summary>
    /// What something keeps alive: how much less there is without it. Counted when it goes and not when it comes, since its making takes seconds, in which tests that are over
    /// let go of megabytes.
    /// </summary>
    public static long Of(Func<object> make)
    {
        var thing = Make(make);
        var with = Bytes();
        GC.KeepAlive(thing[0]);
        thing[0] = null;
        return with - Bytes();
    }

    // Nothing of it may stay in a local of the caller.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static object?[] Make(Func<object> make) => [make()];

    private static long Bytes()
    {
        var now = GC.GetTotalMemory(forceFullCollection: true);
        for (var tries = 0; tries < 20; tries++)
        {
            var before = now;
            GC.WaitForPendingFinalizers();
            now = GC.GetTotalMemory(forceFullCollection: true);
            if (Math.Abs(now - before) < Settled) break;
        }

        return now;
    }
}
