using Mdfs.Gateway;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Gateways;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Names;
using Mdfs.ServiceDefaults.Content;

namespace Mdfs.Master.Files;

/// <summary>Answers a request for a movie's bytes: from the catalog what it is, and then by a link, by the bytes themselves (<see cref="MovieGateway"/>), or, to a front end,
/// by telling where they are (<see cref="MovieQuestions"/>).</summary>
public sealed class ReadFile(
    FileCatalog catalog, NodeRegistry registry, CatalogSession session, MovieSources sources, MovieLinks links, MovieDigests digests, MovieGateway gateway, MovieQuestions questions,
    TimeProvider time)
{
    public async Task<IResult> RunAsync(HttpContext context, FileName name, bool attachment)
    {
        var entry = catalog.Find(name);
        if (entry is null) return FileProblems.Missing(name, session);

        var answer = ContentAnswer.To(context.Request, entry.Replica, time.GetUtcNow());
        if (answer.IsContent && links.WantsDirect(context.Request) && links.Direct(entry, attachment, context.Features.Get<OpenedByLink>()?.Until) is { } direct)
        {
            // The link ends, and the next one may lead to another worker.
            context.Response.Headers.CacheControl = "no-store";
            return TypedResults.Redirect(direct, permanent: false, preserveMethod: true);
        }

        var movie = new CatalogMovie(entry, catalog, sources, digests, registry);
        if (answer.Pieces.Count > 0 && questions.IsAskedBy(context)
            && await questions.AnswerAsync(context, movie, WantReprDigest.Sha256(context.Request.Headers["Want-Repr-Digest"])) is { } told) return told;
        return await gateway.SendAsync(context, answer, movie, attachment) switch
        {
            MovieOutcome.NobodyHasIt => FileProblems.NoLiveReplica(name),
            MovieOutcome.NobodyGaveIt => FileProblems.AllReplicasFailed(name),
            _ => TypedResults.Empty,
        };
    }
}
