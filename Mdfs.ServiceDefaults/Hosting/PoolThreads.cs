namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>
/// For a process in which several services start. Connecting to a store blocks a thread, and with as many as there are processors, which is the default, the pool often waits half a second until it believes
/// that it needs one more.
/// </summary>
public static class PoolThreads
{
    public static void AtLeast(int count)
    {
        ThreadPool.GetMinThreads(out var threads, out var ports);
        ThreadPool.SetMinThreads(Math.Max(threads, count), ports);
    }
}
