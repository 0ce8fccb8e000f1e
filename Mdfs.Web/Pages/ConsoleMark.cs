using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Components.Endpoints;

namespace Mdfs.Web.Pages;

/// <summary>Marks a route as the console's: it gets the console's language, headers and sign-in. Movies and the API pass by untouched.</summary>
/// <param name="ForAnybody">Also for who has not signed in: the sign-in page and the files it is made of.</param>
public sealed record ConsoleMark(bool ForAnybody);

internal static class ConsoleMarks
{
    /// <summary>Everybody reaches the route; who may see it is decided by <see cref="PageGuard"/>.</summary>
    public static TBuilder IsConsolePage<TBuilder>(this TBuilder builder, bool forAnybody = false) where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint => endpoint.Metadata.Add(new ConsoleMark(forAnybody)));
        return builder.Open();
    }

    /// <summary>
    /// Pages are asked for, never sent to: they act over their circuits. The framework maps each for POST as well, which is the classic <c>POST /upload</c>'s and,
    /// for every other address, the master's.
    /// </summary>
    public static TBuilder OnlyReads<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(static endpoint =>
        {
            if (endpoint.Metadata.OfType<ComponentTypeMetadata>().Any()) endpoint.Metadata.Add(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));
        });
        return builder;
    }
}
