using System.ComponentModel.DataAnnotations;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Microsoft.Extensions.Options;

namespace Mdfs.Master;

/// <summary>Settings of a master, section <c>Mdfs:Master</c>. A wrong one stops the process at start and names itself.</summary>
public sealed class MasterOptions
{
    public const string Section = "Mdfs:Master";

    /// <summary>Copies that every movie shall have. Default 2; 1 to 16.</summary>
    [Range(1, 16)]
    public int ReplicationFactor { get; set; } = 2;

    /// <summary>Copies below which an upload is not acknowledged. Default 1; 1 to 16, at most <see cref="ReplicationFactor"/>.</summary>
    [Range(1, 16)]
    public int MinWriteReplicas { get; set; } = 1;

    /// <summary>Virtual nodes per worker on the ring. Default 10, as in the original; 1 to 1000. All masters of a cluster must agree.</summary>
    [Range(1, 1000)]
    public int VirtualNodes { get; set; } = 10;

    /// <summary>How much fuller than the cluster a node may be before the ring passes it over, as a fraction. Default 0.10; 0.01 to 10.</summary>
    [Range(0.01, 10)]
    public double LoadFactor { get; set; } = 0.10;

    /// <summary>Bytes above its share below which a node is never passed over, so that small clusters stay on the classic ring. Default 64 GiB.</summary>
    [Range(0, long.MaxValue)]
    public long LoadFloorBytes { get; set; } = 64L << 30;

    /// <summary>Silence after which a node is out. Default 15 s; 0.2 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.2", "01:00:00")]
    public TimeSpan NodeTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often silence, and Redis, are looked at. Default 5 s; 0.05 s to 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:10:00")]
    public TimeSpan HealthCheckInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the fixer plans. Default 10 s; 0.05 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "01:00:00")]
    public TimeSpan RepairInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a missing copy is tolerated beyond <see cref="NodeTimeout"/>, for reboots. Default 0; up to 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan RepairDelay { get; set; } = TimeSpan.Zero;

    /// <summary>For how long nothing is copied when half of the nodes, and two at least, have fallen silent at once and are not all back. Default 5 min; 0 (not at all) to 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan MassLossDelay { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Pulls that may run at once on one node. Default 2; 1 to 64.</summary>
    [Range(1, 64)]
    public int RepairConcurrencyPerNode { get; set; } = 2;

    /// <summary>Pulls that may run at once in the cluster. Default 0: as many as its nodes may make, so that healing grows with the cluster; up to 1024.</summary>
    [Range(0, 1024)]
    public int RepairConcurrency { get; set; }

    /// <summary>What <see cref="RepairConcurrency"/> comes to in a cluster of so many live nodes.</summary>
    public int MostPulls(int nodes) => RepairConcurrency > 0 ? RepairConcurrency : RepairConcurrencyPerNode * Math.Max(1, nodes);

    /// <summary>Copies that a rebalance, or a drain with a limit, makes at once. Default 2; 1 to 64.</summary>
    [Range(1, 64)]
    public int RebalanceConcurrency { get; set; } = 2;

    /// <summary>Bytes per second that all moves of a rebalance may take together, unless its start says otherwise. Default 64 MiB; 0: no limit.</summary>
    [Range(0, long.MaxValue)]
    public long RebalanceBytesPerSecond { get; set; } = 64L << 20;

    /// <summary>How long a deletion is remembered, in cluster age. Default 30 days; 1 s to 10 years.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan TombstoneRetention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How often old tombstones are looked for. Default 1 h; 0.05 s to 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "1.00:00:00")]
    public TimeSpan TombstoneCleanupInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long an overwritten version is kept after its successor is complete, and longer while it is being read. Default 1 h; up to 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan SupersededGrace { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a surplus copy is kept. Default 10 min; up to 30 days.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan TrimGrace { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Silence of a peer in mid-transfer after which it is given up. Default 10 s; 0.1 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a commit waits for a Redis that does not answer. Default 60 s; 0.1 s to 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan CommitWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the start waits for Redis before it goes on read-only. Default 10 s; 0 to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan RedisStartWait { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a resumable upload waits for its next piece, in cluster age. Default 1 day; 1 s to 365 days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan UploadExpiry { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Bytes of a resumable upload after which it is made durable even though the request goes on. Default 64 MiB; 64 KiB to 1 TiB.</summary>
    [Range(64L << 10, 1L << 40)]
    public long UploadCheckpointBytes { get; set; } = 64L << 20;

    /// <summary>The same by time: how much of a slow client's work a master takes along when it dies. Default 5 s; 0.1 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan UploadCheckpointInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The largest movie, in bytes. Default 1 TiB.</summary>
    [Range(1, long.MaxValue)]
    public long MaxFileSize { get; set; } = 1L << 40;

    /// <summary>
    /// Extensions that an upload may have, dots included, separated by blanks or commas. <c>*</c> allows everything.
    /// Default: .mp4 .mkv .avi .mov .wmv .flv .webm .m4v
    /// </summary>
    public string AllowedExtensions { get; set; } = string.Join(' ', NameRules.DefaultExtensions);

    public PlacementRules PlacementRules => new(VirtualNodes, LoadFactor, LoadFloorBytes);

    public NameRules Names => new(AllowedExtensions.Trim() is "*" or ""
        ? []
        : AllowedExtensions.Split([' ', ',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(e => e.StartsWith('.') ? e : "." + e));
}

[OptionsValidator]
public sealed partial class MasterOptionsValidator : IValidateOptions<MasterOptions>;
