using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>Marks a route whose GET costs more than anybody would have done for an answer without its body.</summary>
public sealed class GetAloneMark;

/// <summary>What can be got can be asked about without its body (RFC 9110, 9.1): routes that take GET take HEAD too, and the server leaves the body out.</summary>
public static class HeadBesideGet
{
    /// <summary>All routes that are mapped on what this returns. Those of other nodes, which know what they ask for, and those that change something are left as they are.</summary>
    public static IEndpointRouteBuilder WithHead(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("");
        // Last of all, when the marks of the route itself are there.
        ((IEndpointConventionBuilder)group).Finally(static route =>
        {
            if (route.Metadata.OfType<GetAloneMark>().Any() || route.Metadata.OfType<ChangesStateMark>().Any() || route.Metadata.OfType<AccessMark>().LastOrDefault()?.Access == AccessClass.Node) return;
            if (route.Metadata.OfType<IHttpMethodMetadata>().LastOrDefault()?.HttpMethods is [var only] && HttpMethods.IsGet(only))
                route.Metadata.Add(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));
        });
        return group;
    }

    public static TBuilder GetAlone<TBuilder>(this TBuilder route) where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new GetAloneMark());
}
