using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Files;

/// <summary>
/// Overwritten versions that are replicas still, until <see cref="SupersededRemoval"/> lets them go into the trash. Whoever looks for what was overwritten a moment ago looks there
/// first: it is told of as though it lay there already.
/// </summary>
/// <param name="By">The version that has taken their place.</param>
/// <param name="Copies">Live workers that have them.</param>
public sealed record SupersededVersion(ReplicaDescription Replica, CatalogEntry By, int Copies)
{
    private const int Most = 500;

    /// <summary>The last to be overwritten first.</summary>
    public static IReadOnlyList<SupersededVersion> List(NodeRegistry registry, FileCatalog catalog, MasterIdentity identity)
    {
        lock (registry.Gate)
        {
            return [.. registry.States.Where(state => state.Alive)
                .SelectMany(state => state.Suspects.Select(state.Inventory.Find))
                .OfType<ReplicaReport>()
                .Where(report => !report.Damaged)
                .GroupBy(report => report.Replica.Version)
                .Select(reports => (reports.First().Replica, Entry: catalog.Find(reports.First().Replica.Name), Reports: reports))
                .Where(one => Reconciliation.Judge(one.Reports.First(), one.Entry, catalog.FindTombstone(one.Replica.Name), awayTooLong: false, identity.ClusterId) == ReplicaVerdict.Superseded)
                .Select(one => new SupersededVersion(one.Replica, one.Entry!, one.Reports.Count()))
                .OrderByDescending(one => one.By.Version)
                .Take(Most)];
        }
    }
}
