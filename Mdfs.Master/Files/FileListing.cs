using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>
/// Answers pages of the catalog from orders that are kept sorted. How many copies a movie has changes with every node that comes or goes, so that order is made
/// of the one by name, by counting.
/// </summary>
public sealed class FileListing : IHostedService
{
    /// <summary>An order by copies may be this old: who turns its pages must not have it counted anew for each.</summary>
    private static readonly TimeSpan _fresh = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<FileOrder, SortedMovies> _orders;
    private readonly NodeRegistry _registry;
    private readonly int _wanted;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private ByCopies? _byCopies;

    public FileListing(FileCatalog catalog, NodeRegistry registry, IOptions<MasterOptions> options, TimeProvider time)
    {
        _registry = registry;
        _wanted = options.Value.ReplicationFactor;
        _time = time;
        var byName = new SortedMovies(catalog, FileQuery.Ascending(FileOrder.Name, static _ => 0));
        _orders = new Dictionary<FileOrder, SortedMovies> { [FileOrder.Name] = byName, [FileOrder.Size] = By(FileOrder.Size), [FileOrder.Date] = By(FileOrder.Date) };
        catalog.Changed += (name, before, after) =>
        {
            // That from which the others are made knows of it first.
            byName.Note(name, before, after);
            _orders[FileOrder.Size].Note(name, before, after);
            _orders[FileOrder.Date].Note(name, before, after);
        };
        catalog.Replaced += () =>
        {
            foreach (var sorted in _orders.Values) sorted.Void();
            Warm();
        };

        SortedMovies By(FileOrder order) => new(catalog, FileQuery.Ascending(order, static _ => 0), (byName, entry => FileQuery.Key(order, entry, static _ => 0)));
    }

    public FileSlice Run(FileQuery query)
    {
        var copies = CopyCount();
        return query.Run(query.Order == FileOrder.Copies ? SortedByCopies(copies) : _orders[query.Order].Current(), copies, _wanted);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Warm();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private Func<CatalogEntry, int> CopyCount()
    {
        var worth = _registry.Replicas.WorthIn(_registry.View);
        return entry => _registry.Replicas.Tally(entry.Replica, worth).Counted;
    }

    /// <summary>Sorted by somebody who is not waited for, so that not even the first to look has to wait.</summary>
    private void Warm() => _ = Task.Run(() =>
    {
        foreach (var sorted in _orders.Values) sorted.Current();
    });

    private OrderedEntries SortedByCopies(Func<CatalogEntry, int> copies)
    {
        var byName = _orders[FileOrder.Name].Current();
        lock (_gate)
        {
            if (_byCopies is { } known && known.Of == byName && _time.GetElapsedTime(known.At) < _fresh) return known.Sorted;
            var all = byName.ToArray();
            var counts = Array.ConvertAll(all, entry => copies(entry));
            var places = new int[counts.DefaultIfEmpty().Max() + 2];
            foreach (var count in counts) places[count + 1]++;
            for (var i = 1; i < places.Length; i++) places[i] += places[i - 1];
            var sorted = new CatalogEntry[all.Length];
            for (var i = 0; i < all.Length; i++) sorted[places[counts[i]]++] = all[i];
            _byCopies = new ByCopies(byName, OrderedEntries.Of(sorted), _time.GetTimestamp());
            return _byCopies.Sorted;
        }
    }

    private sealed record ByCopies(OrderedEntries Of, OrderedEntries Sorted, long At);
}
