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
        _orders = new[] { FileOrder.Name, FileOrder.Size, FileOrder.Date }.ToDictionary(
            order => order, order => new SortedMovies(catalog, FileQuery.Ascending(order, static _ => 0)));
        catalog.Changed += (name, before, after) =>
        {
            foreach (var sorted in _orders.Values) sorted.Note(name, before, after);
        };
        catalog.Replaced += () =>
        {
            foreach (var sorted in _orders.Values) sorted.Void();
            Warm();
        };
    }

    public FileSlice Run(FileQuery query) =>
        query.Run(query.Order == FileOrder.Copies ? SortedByCopies() : _orders[query.Order].Current(), CountCopies, _wanted);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Warm();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private int CountCopies(CatalogEntry entry) => Copies.Count(_registry, entry.Replica);

    /// <summary>Sorted by somebody who is not waited for, so that not even the first to look has to wait.</summary>
    private void Warm() => _ = Task.Run(() =>
    {
        foreach (var sorted in _orders.Values) sorted.Current();
    });

    private CatalogEntry[] SortedByCopies()
    {
        var byName = _orders[FileOrder.Name].Current();
        lock (_gate)
        {
            if (_byCopies is { } known && known.Of == byName && _time.GetElapsedTime(known.At) < _fresh) return known.Sorted;
            var counts = Array.ConvertAll(byName, CountCopies);
            var places = new int[counts.DefaultIfEmpty().Max() + 2];
            foreach (var count in counts) places[count + 1]++;
            for (var i = 1; i < places.Length; i++) places[i] += places[i - 1];
            var sorted = new CatalogEntry[byName.Length];
            for (var i = 0; i < byName.Length; i++) sorted[places[counts[i]]++] = byName[i];
            _byCopies = new ByCopies(byName, sorted, _time.GetTimestamp());
            return sorted;
        }
    }

    private sealed record ByCopies(CatalogEntry[] Of, CatalogEntry[] Sorted, long At);
}
