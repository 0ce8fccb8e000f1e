using BenchmarkDotNet.Attributes;
using Mdfs.Master;
using Mdfs.Master.Catalog;
using Mdfs.Master.Files;
using Mdfs.Protocol.Names;
using Microsoft.Extensions.Options;

namespace Mdfs.Benchmarks.Micro;

/// <summary>The catalog with a million movies: find one, commit one, list a page after a change.</summary>
[MemoryDiagnoser]
public class CatalogBenchmarks
{
    private const int Movies = 1_000_000;

    // Filling it and putting it into two orders takes most of a minute, and what a benchmark changes in it the others may find.
    private static readonly Lazy<(ManyMovies Many, FileListing Listing)> _shared = new(Make);

    private readonly FileName _name = ManyMovies.Name(Movies / 2);
    private ManyMovies _many = null!;
    private FileListing _listing = null!;
    private readonly FileQuery _first = Query(null, "-date", "100");
    private readonly FileQuery _searched = Query("00777", "name", "100");
    private long _version = 1_888_636_800_000_000;

    [GlobalSetup]
    public void Fill()
    {
        (_many, _listing) = _shared.Value;
        // What is found stays where it is, before and after a commit; the first look of all puts a million into order.
        _listing.Run(_first);
        _listing.Run(_searched);
    }

    [Benchmark]
    public CatalogEntry? Find() => _many.Catalog.Find(_name);

    /// <summary>Memory's part of a commit: Redis' part is a round trip and an fsync.</summary>
    [Benchmark]
    public void Commit()
    {
        var replica = ManyMovies.Replica(Movies / 2, _version++);
        _many.Catalog.Apply(new CatalogChange { Put = [new CatalogEntry(replica, [_many.Nodes[0], _many.Nodes[1]])], Highest = replica.Version });
    }

    [Benchmark]
    public int ListLatest()
    {
        Commit();
        return _listing.Run(_first).Page.Count;
    }

    [Benchmark]
    public int ListSearched()
    {
        Commit();
        return _listing.Run(_searched).Page.Count;
    }

    private static (ManyMovies Many, FileListing Listing) Make()
    {
        var many = new ManyMovies(Movies, 5);
        return (many, new FileListing(many.Catalog, many.Registry, Options.Create(new MasterOptions()), TimeProvider.System));
    }

    private static FileQuery Query(string? query, string sort, string limit) =>
        FileQuery.TryParse(query, sort, limit, null, null, null, out var wanted, out var problem) ? wanted : throw new InvalidOperationException(problem);
}
