namespace Mdfs.Master.Cluster;

/// <summary>The reported copies of one movie.</summary>
/// <param name="Counted">Those that count (<see cref="Copies"/>), leaving ones among them.</param>
/// <param name="Live">Those that are on live nodes, damaged ones and such on draining nodes among them.</param>
/// <param name="Awaited">Those that do not count, and are waited for.</param>
public readonly record struct CopyTally(int Counted, int Live, int Awaited);
