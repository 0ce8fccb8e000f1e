using System.Text.Json;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Gateways;

/// <summary>What front ends ask while they send movies. What they ask before is a client's request: <see cref="MovieQuestions"/>.</summary>
public static class GatewayEndpoints
{
    public static void MapGateways(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Master.Sources, Sources).RequireNode(NodePurpose.Gateway).ExcludeFromDescription();
        routes.MapPost(Routes.Master.Gateways, Report).RequireNode(NodePurpose.Report).ExcludeFromDescription();
    }

    private static IResult Sources(string version, string? name, FileCatalog catalog, NodeRegistry registry, MovieSources sources, WindowGrants grants)
    {
        if (!MovieVersion.TryParse(version, out var wanted) || !FileName.TryParse(name, out var parsed, out _)) return TypedResults.BadRequest();
        var current = catalog.Find(parsed) is { } entry && entry.Version == wanted ? entry : null;
        // Of one that was deleted or overwritten, whoever still holds it as a replica.
        var asked = current ?? (registry.Replicas.Describe(wanted) is { } replica && replica.Name == parsed ? new CatalogEntry(replica, []) : null);
        var now = asked is null ? [] : grants.For(wanted, sources.Of(asked));
        return TypedResults.Json(new SourcesReply(current is not null, now), WireJson.Default.SourcesReply);
    }

    private static IResult Report(HttpContext context, FrontEnds fronts)
    {
        try
        {
            var report = JsonSerializer.Deserialize(context.NodeBody().Span, WireJson.Default.GatewayReport);
            if (report is null || report.Gateway.Value != context.NodeToken().Sender) return TypedResults.BadRequest();
            return TypedResults.Json(fronts.Take(report), WireJson.Default.GatewayReply);
        }
        catch (JsonException)
        {
            return TypedResults.BadRequest();
        }
    }
}
