namespace Mdfs.AppHost.Resources;

/// <summary>What a service is when it is published.</summary>
/// <param name="Stage">Of the Dockerfile.</param>
/// <param name="Port">Where it listens in its container.</param>
/// <param name="Volume">What is mounted for its data; null: it has none.</param>
internal sealed record PublishedImage(string Stage, int Port, string? Volume = null);

internal static class PublishedImages
{
    private const string DataInContainer = "/data";

    /// <summary>The image of a stage of the Dockerfile: without root, on a read-only root, with its data, if it has any, in a volume.</summary>
    public static IResourceBuilder<ProjectResource> PublishAs(this IResourceBuilder<ProjectResource> service, PublishedImage image)
    {
        var root = Path.GetFullPath("..", service.ApplicationBuilder.AppHostDirectory);
        return service
            .PublishAsDockerFile(container =>
            {
                container.WithDockerfile(root, stage: image.Stage);
                if (image.Volume is { } volume) container.WithVolume(volume, DataInContainer);
            })
            .ReadOnlyInCompose();
    }
}
