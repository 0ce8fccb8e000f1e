namespace Mdfs.AppHost.Resources;

internal static class Banner
{
    /// <summary>Says once, when the console answers, where everything is and what to type, as the embedded cluster does.</summary>
    public static IResourceBuilder<ProjectResource> WithBanner(this IResourceBuilder<ProjectResource> web, ClusterSettings cluster) => web.OnResourceReady(async (_, _, cancellation) =>
    {
        var url = $"{web.GetEndpoint("http").Url}/";
        // A key of one's own is not for terminals and their scrollback.
        var known = await cluster.AdminKey.Resource.GetValueAsync(cancellation) == Secrets.DevelopmentKey;
        Console.WriteLine($"""

            MDFS Pro is up: a master and {cluster.Workers} {(cluster.Workers == 1 ? "worker" : "workers")} under Aspire; the dashboard shows them.

              Browser   {url}
              Upload    curl -H "Authorization: Bearer {(known ? Secrets.DevelopmentKey : "YOUR-ADMIN-KEY")}" -T film.mp4 {url}api/files/
              Play      mpv '{url}play?name=film.mp4'      (or ffplay, or vlc)
              Admin key {(known ? $"{Secrets.DevelopmentKey}   WARNING: everybody knows it. Development only, this machine only." : "on the dashboard's page Parameters")}
              Data      {cluster.Data}
                        Kept across runs. All copies are on this one machine: losing its disk loses them.

            Ctrl-C stops it.

            """);
    });
}
