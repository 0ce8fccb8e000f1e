using Mdfs.ServiceDefaults.Security;

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
}
