namespace Mdfs.Benchmarks.Load;

/// <summary>A way to the same bytes, and the processes that work for it.</summary>
/// <param name="Servers">Asked anew each time: a worker may have been started again.</param>
/// <param name="MovieAsync">Where the movie can be read; asked for each stream, since links lead to different workers.</param>
/// <param name="Put">Address and header lines to store a movie with; null where that is not what it is compared by.</param>
internal sealed record Contender(string Name, Func<IReadOnlyList<ServerProcess>> Servers, Func<Task<Uri>> MovieAsync, Func<string, (Uri Target, string Headers)>? Put)
{
    public double CpuSeconds => Servers().Sum(server => server.CpuSeconds);
}
