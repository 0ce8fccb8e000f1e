using Mdfs.Gateway;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Content;

namespace Mdfs.Master.Files;

/// <summary>Answers a request for a movie's bytes: from the catalog what it is, and then by a link, or by the bytes themselves (<see cref="MovieGateway"/>).</summary>
public sealed class ReadFile(
    FileCatalog catalog, NodeRegistry registry, CatalogSession session, MovieSources sources, MovieLinks links, MovieDigests digests, MovieGateway gateway, TimeProvider time)
{
    public async Task<IResult> RunAsync(HttpContext context, FileName name, bool attachment)
    {
        var entry = catalog.Find(name);
        if (entry is null) return session.IsUncertain ? FileProblems.Rebuilding : FileProblems.NotFound(name);

        var answer = ContentAnswer.To(context.Request, entry.Replica, time.GetUtcNow());
        if (answer.IsContent && links.WantsDirect(context.Request) && links.Direct(entry, attachment) is { } direct)
        {
            // The link ends, and the next one may lead to another worker.
            context.Response.Headers.CacheControl = "no-store";
            return TypedResults.Redirect(direct, permanent: false, preserveMethod: true);
        }

        return await gateway.SendAsync(context, answer, new CatalogMovie(entry, catalog, sources, digests, registry), attachment) switch
        {
            MovieOutcome.NobodyHasIt => FileProblems.NoLiveReplica(name),
            MovieOutcome.NobodyGaveIt => FileProblems.AllReplicasFailed(name),
            _ => TypedResults.Empty,
        };
    }
}
