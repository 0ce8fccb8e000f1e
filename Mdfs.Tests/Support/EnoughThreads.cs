using System.Runtime.CompilerServices;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Tests.Support;

/// <summary>Whole clusters run in the process of the tests, several at a time, and some tests block threads themselves.</summary>
internal static class EnoughThreads
{
    [ModuleInitializer]
    internal static void Begin() => PoolThreads.AtLeast(32);
}
