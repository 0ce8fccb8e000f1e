using Mdfs.Protocol;

namespace Mdfs.Standalone;

/// <summary>What is printed once when the cluster is up: where it is and what to type.</summary>
internal static class Banner
{
    public static string Text(StandaloneCluster cluster, StandaloneOptions options)
    {
        var keys = cluster.Keys;
        var url = cluster.Master.Browse;
        // The key itself is shown where everybody knows it and once when it is made; what is copied later reads it from its file.
        var bearer = keys.Source switch
        {
            AdminKeySource.Development => keys.AdminKey,
            AdminKeySource.Configuration => "YOUR-ADMIN-KEY",
            _ => $"$(cat '{keys.AdminKeyFile}')",
        };
        var adminKey = keys.Source switch
        {
            AdminKeySource.Development => $"{keys.AdminKey}   WARNING: everybody knows it. Development only, this machine only;{Environment.NewLine}            --environment Production makes a key of your own.",
            AdminKeySource.Configuration => "the one in the setting Mdfs:AdminKey",
            AdminKeySource.Generated => $"{keys.AdminKey}   (made now, shown this once, kept in {keys.AdminKeyFile})",
            _ => $"in {keys.AdminKeyFile}",
        };
        var catalog = options.Redis is null
            ? "catalog in the embedded store: safe against a kill; written through to the disk, but not promised against a power loss"
            : "catalog in your Redis";

        return $"""

            MDFS Pro is up: a master and {Counted.Of(cluster.Workers.Count, "worker", "workers")}.

              Browser   {url}
              Upload    curl -H "Authorization: Bearer {bearer}" -T film.mp4 {url}api/files/
              Play      mpv '{url}play?name=film.mp4'      (or ffplay, or vlc)
              Admin key {adminKey}
              Data      {cluster.DataDirectory}
                        Kept across runs; {catalog}.
                        All copies are on this one machine: losing its disk loses them.

            Ctrl-C stops it.

            """;
    }
}
