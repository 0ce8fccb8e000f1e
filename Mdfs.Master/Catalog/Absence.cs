namespace Mdfs.Master.Catalog;

/// <summary>
/// Whether a node was away longer than tombstones live (design, section 2.2): then a deletion may have come and been forgotten without its knowing,
/// and what it brings that the catalog does not know is not adopted.
/// </summary>
public static class Absence
{
    /// <param name="settledAge">
    /// Seconds: the cluster age up to which a master has judged all that this node holds, as the node itself keeps it.
    /// </param>
    /// <param name="clusterAge">Seconds: now.</param>
    public static bool IsTooLong(double settledAge, double clusterAge, TimeSpan retention) => settledAge < clusterAge - retention.TotalSeconds;
}
