namespace Mdfs.AppHost.Resources;

internal static class Secrets
{
    /// <summary>
    /// A secret parameter: what <c>Parameters:name</c> says, else one that is made at the first run and kept in the user secrets. Letters and
    /// digits only, because people type it and connection strings carry it.
    /// </summary>
    public static IResourceBuilder<ParameterResource> AddSecret(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = 24, Special = false }, secret: true, persist: true);
}
