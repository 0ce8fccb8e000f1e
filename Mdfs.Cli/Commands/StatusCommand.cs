using System.CommandLine;
using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;
using Mdfs.Protocol;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command("status", "The cluster at a glance.");
        command.Runs(async (session, _, cancellationToken) =>
        {
            var cluster = await session.Master.ClusterAsync(cancellationToken);
            if (session.Output.IsJson) session.Output.Json(cluster);
            else session.Output.Screen.Write(Describe(cluster, session.Master.Url));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Grid Describe(Cluster cluster, Uri url)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        Row("Cluster", $"{url}  {cluster.ClusterId}");
        Row("Master", $"epoch {cluster.Epoch}, cluster age {Quantity.Duration(cluster.Age)}{(cluster.Writable ? "" : ", READ-ONLY")}", cluster.Writable ? null : Color.Red);
        if (cluster.Rebuilding is { } reason) Row("Rebuilding", reason, Color.Yellow);
        Row("Redis", cluster.Redis);
        if (cluster.Durability is { } durability) Row("", durability);
        Row("Nodes", $"{cluster.ActiveNodes} of {cluster.Nodes} beat", cluster.ActiveNodes < cluster.Nodes ? Color.Yellow : null);
        Row("Movies", $"{cluster.Movies}, of each {Counted.Of(cluster.ReplicationFactor, "copy", "copies")}");
        Row("Under-replicated", cluster.UnderReplicated == 0 ? "none" : $"{cluster.UnderReplicated}, {cluster.Healing.Running} copies being made ({Quantity.Bytes(cluster.Healing.BytesRemaining)} to go{Eta(cluster.Healing)})", cluster.UnderReplicated > 0 ? Color.Yellow : null);
        if (cluster.Healing.HeldUp is { } heldUp) Row("Healing waits", heldUp, Color.Yellow);
        Row("Uploads open", $"{cluster.UploadsOpen}");
        Row("Deletions kept", $"{cluster.Tombstones}");
        Row("Space", $"{Quantity.Bytes(cluster.Used)} used, {Quantity.Bytes(cluster.Free)} free of {Quantity.Bytes(cluster.Capacity)}");
        return grid;

        static string Eta(Healing healing) => healing.EtaSeconds is { } seconds ? $", about {Quantity.Duration(seconds)}" : "";

        void Row(string label, string text, Color? color = null) => grid.AddRow(new Text(label, new Style(Color.Grey)), new Text(Printable.Of(text), new Style(color)));
    }
}
