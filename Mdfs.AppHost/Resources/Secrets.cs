using Microsoft.Extensions.Hosting;

namespace Mdfs.AppHost.Resources;

internal static class Secrets
{
    /// <summary>What every service of this solution takes for its admin key in Development, where it listens on this machine only.</summary>
    public const string DevelopmentKey = "admin888";

    /// <summary>
    /// A secret parameter: what <c>Parameters:name</c> says, else one that is made at the first run and kept in the user secrets. Letters and
    /// digits only, because people type it and connection strings carry it.
    /// </summary>
    public static IResourceBuilder<ParameterResource> AddSecret(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = 24, Special = false }, secret: true, persist: true);

    /// <summary>The same, but in Development the key that everybody knows, so that the first steps are the same with and without Aspire.</summary>
    public static IResourceBuilder<ParameterResource> AddAdminKey(this IDistributedApplicationBuilder builder)
    {
        const string name = "admin-key";
        if (builder.ExecutionContext.IsPublishMode || !builder.Environment.IsDevelopment()) return builder.AddSecret(name);
        return builder.AddParameter(name, () => builder.Configuration[$"Parameters:{name}"] is { Length: > 0 } given ? given : DevelopmentKey, secret: true);
    }
}
