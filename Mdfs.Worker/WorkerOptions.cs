using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker;

/// <summary>Settings of one worker, under <c>Mdfs:Worker</c>.</summary>
public sealed class WorkerOptions
{
    public const string Section = "Mdfs:Worker";

    /// <summary>Name on the hash ring and for people; null: the address.</summary>
    [MaxLength(200)]
    public string? Name { get; set; }

    /// <summary>Where everything is kept. Required; one worker per directory.</summary>
    [Required]
    public string DataDirectory { get; set; } = "";

    /// <summary>How clients reach this worker, for direct links: <c>http(s)://host[:port]</c>; null if they cannot.</summary>
    [Url]
    public string? PublicUrl { get; set; }

    /// <summary>How nodes reach this worker; null: the address it listens on. In a container it must be given.</summary>
    [Url]
    public string? AdvertisedUrl { get; set; }

    /// <summary>Time between beats; default 5 s, 50 ms to 1 min. The master's time-out (15 s) must hold several of them.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:01:00")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes of the disk that are left free; null: 1 % of the disk, at least 1 GiB.</summary>
    [Range(0L, long.MaxValue)]
    public long? ReservedBytes { get; set; }

    /// <summary>Most bytes of movies this node holds; null: as the disk has room.</summary>
    [Range(0L, long.MaxValue)]
    public long? Capacity { get; set; }

    /// <summary>Rack, room or site; copies go to distinct zones while there are enough.</summary>
    [MaxLength(200)]
    public string? Zone { get; set; }

    /// <summary>Silence after which a transfer is given up; default 10 s, 100 ms to 10 min. Progress resets it, length does not matter.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a stop that this node was told of (SIGTERM, as at a reboot or an upgrade) is expected to last; default 5 min, 0 to 7 days. Within it nothing is copied in
    /// its place. 0: as long as the master's node time-out.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "7.00:00:00")]
    public TimeSpan StopsFor { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Pulls at a time; default 2, 1 to 64.</summary>
    [Range(1, 64)]
    public int PullConcurrency { get; set; } = 2;

    /// <summary>How long deleted and overwritten movies can be brought back, if nobody needs their room; default 24 h, 0 (not at all) to 1 year.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan TrashRetention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Within which every replica is re-read; default 30 days, 1 s to 10 years. A round takes half of it at most.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "3650.00:00:00")]
    public TimeSpan ScrubPeriod { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// For how long a block that was read and found good may be sent again without being checked, by the kernel alone where that is possible; default 0 (every block is checked every
    /// time), to 1 day. It costs about a third as much, and what goes wrong between disk and memory within that time is not seen.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan VerifyFreshness { get; set; }

    /// <summary>
    /// Whether movies that arrive are written, and replicas re-read, past the system's page cache (<c>O_DIRECT</c>), where the file system can; default true. They leave what is being
    /// played in memory, and a scrub sees the disk. False where a movie is mostly watched right after it came, from disks that are slow.
    /// </summary>
    public bool DirectIo { get; set; } = true;

    /// <summary>Bytes per second that re-reading may take at most; default 64 MiB, at least 64 KiB. Too low a limit makes the scrub late, which a metric shows.</summary>
    [Range(64L << 10, long.MaxValue)]
    public long ScrubBytesPerSecond { get; set; } = 64L << 20;

    /// <summary>Bytes per second that all pulls of this node may take together; 0 (default): no limit.</summary>
    [Range(0L, long.MaxValue)]
    public long RepairBytesPerSecond { get; set; }
}

[OptionsValidator]
internal sealed partial class WorkerOptionsValidator : IValidateOptions<WorkerOptions>;
