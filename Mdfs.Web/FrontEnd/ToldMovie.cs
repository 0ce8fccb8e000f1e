using Mdfs.Gateway;
using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Wire;

namespace Mdfs.Web.FrontEnd;

/// <summary>A movie that is being read, as the master told it. Who has it is asked anew when those who were named fail; while the master is silent they are all there is.</summary>
internal sealed class ToldMovie(MovieEntry entry, MasterWord master, StreamReports reports) : IMovie
{
    private readonly IReadOnlyList<ReplicaCandidate> _first = Candidates(entry.Sources);
    private IReadOnlyList<ReplicaCandidate>? _now;

    public ReplicaDescription Replica => entry.Replica;

    public byte[]? FindDigest() => entry.Sha256 is { } hex ? Convert.FromHexString(hex) : null;

    public async ValueTask<IReadOnlyList<ReplicaCandidate>> SourcesAsync(bool fresh, CancellationToken cancellation)
    {
        if (fresh && await master.SourcesAsync(Replica.Version, Replica.Name, cancellation) is { } told)
        {
            var now = Candidates(told.Sources);
            _now = told.Current ? now : SourceLists.Left(now, _first);
        }

        return _now ?? _first;
    }

    public void NoteDamage() => reports.NoteDamage(Replica.Version);

    private static IReadOnlyList<ReplicaCandidate> Candidates(IReadOnlyList<MovieSource> sources) =>
        [.. sources.Select(source => new ReplicaCandidate(new WorkerAddress(source.Node, source.Address), source.Damaged, source.Grant))];
}
