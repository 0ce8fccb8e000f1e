using System.Collections.Immutable;
using System.Globalization;
using Mdfs.Master;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Benchmarks.Micro;

/// <summary>A master's memory with many movies in it, two copies each, on a few nodes.</summary>
internal sealed class ManyMovies
{
    public static readonly string Cluster = MasterIdentity.NewClusterId();

    public ManyMovies(int movies, int nodes)
    {
        Registry = new NodeRegistry(Options.Create(new MasterOptions()), TimeProvider.System);
        Nodes = [.. Enumerable.Range(1, nodes).Select(number => NodeId.Parse(number.ToString("x32", CultureInfo.InvariantCulture)))];
        lock (Registry.Gate)
        {
            ImmutableArray<NodeId>[] hints = [.. Enumerable.Range(0, nodes).Select(node => (ImmutableArray<NodeId>)[Nodes[node], Nodes[(node + 1) % nodes]])];
            List<CatalogEntry> entries = [.. Enumerable.Range(0, movies).Select(number => new CatalogEntry(Replica(number), hints[number % nodes]))];
            Catalog.Replace(entries, [], default);
            // As they come from workers: whole.
            for (var node = 0; node < nodes; node++)
            {
                List<ReplicaReport> held = [.. entries.Where((_, number) => number % nodes == node || (number + 1) % nodes == node).Select(static entry => new ReplicaReport(entry.Replica, false, true))];
                Registry.FindOrAdd(Nodes[node], Nodes[node].Value).Inventory.TakePage(new InventoryPage(Nodes[node], "life", 1, 0, true, held, []));
            }
        }
    }

    public FileCatalog Catalog { get; } = new();

    public NodeRegistry Registry { get; }

    public List<NodeId> Nodes { get; }

    public static FileName Name(int number) => FileName.Parse(string.Create(CultureInfo.InvariantCulture, $"A film with a name of usual length ({number:D8}).mp4"));

    public static ReplicaDescription Replica(int number, long version = 1_777_636_800_000_000) => new(
        Name(number), new MovieVersion(version + number), 700_000_000L + number, new Checksum((uint)number), DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(number), UploadId.New(), Cluster);
}
