using Mdfs.Master.Catalog;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Master.Nodes;

/// <summary>
/// Gives back the memory that reading the catalog and the inventories of all nodes has left behind. It is as much again as the movies need (docs/scale.md), and the runtime keeps it for as long as the
/// master has little to do, since it collects when something is allocated.
/// </summary>
public sealed partial class SpareMemory(CatalogSession session, FileCatalog catalog, TimeProvider time, ILogger<SpareMemory> logger) : PeriodicService(time, static () => _calm, logger)
{
    /// <summary>Inventories come one after the other: it is collected when none has come for so long.</summary>
    private static readonly TimeSpan _calm = TimeSpan.FromSeconds(5);

    /// <summary>Movies and copies that were read, of which nothing is left that would be missed.</summary>
    private const int Few = 20_000;

    /// <summary>Of more than that nothing is moved: all requests would wait for it, some seconds perhaps.</summary>
    private const long Much = 2L << 30;

    private long _read;
    private long _last;

    /// <summary>Times that memory was given back since the start.</summary>
    public int GivenBack { get; private set; }

    /// <summary>So many movies or copies were read at once, and most of what that took is not needed any more.</summary>
    public void Note(int read)
    {
        Interlocked.Add(ref _read, read);
        Interlocked.Exchange(ref _last, Time.GetTimestamp());
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        session.Loaded += () => Note(catalog.Count);
        return base.StartAsync(cancellationToken);
    }

    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        // Not for one node of many that begins anew: what it leaves behind is little beside the rest.
        var read = Interlocked.Read(ref _read);
        if (read < Math.Max(Few, catalog.Count / 2) || Time.GetElapsedTime(Interlocked.Read(ref _last)) < _calm) return Task.CompletedTask;
        Interlocked.Add(ref _read, -read);
        var began = Time.GetTimestamp();
        // What was read lies scattered among what is kept, so that collecting alone gives hardly anything back.
        if (GC.GetTotalMemory(forceFullCollection: false) < Much) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        else GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        GivenBack++;
        LogGivenBack(read, (long)Time.GetElapsedTime(began).TotalMilliseconds);
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "What reading {Read} movies and copies has left in memory was given back in {Milliseconds} ms.")]
    private partial void LogGivenBack(long read, long milliseconds);
}
