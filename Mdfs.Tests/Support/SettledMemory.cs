namespace Mdfs.Tests.Support;

/// <summary>What lives in the managed memory of this process. The runtime's own count is content when two collections differ by less than a twentieth, which here, with what other tests have left, is more than what is measured.</summary>
internal static class SettledMemory
{
    private const long Settled = 64 << 10;

    public static long Bytes()
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
