using System.Runtime.CompilerServices;

namespace Mdfs.Tests.Support;

/// <summary>
/// Whole clusters run in the process of the tests, several at a time, and connecting to a store blocks a thread, as some tests do. With as many threads as there are processors, which is the default, the pool
/// often waits half a second until it believes that it needs one more.
/// </summary>
internal static class EnoughThreads
{
    private const int Threads = 32;

    [ModuleInitializer]
    internal static void Begin()
    {
        ThreadPool.GetMinThreads(out var threads, out var ports);
        ThreadPool.SetMinThreads(Math.Max(threads, Threads), ports);
    }
}
