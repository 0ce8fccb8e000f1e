using Mdfs.Master.Events;
using Mdfs.Master.Files;
using Mdfs.Master.Nodes;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Status;

/// <summary>One small cluster of which all examples of the API speak: three workers, two copies, one film.</summary>
public static class ApiExamples
{
    private const string ETag = "\"1777636800000000\"";
    private static readonly DateTimeOffset _committed = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>For the refusals that quote it.</summary>
    public static FileName Name { get; } = FileName.Parse("film.mp4");

    public static FileFacts File { get; } = new(
        Name.Value, 734_003_200, "0a1b2c3d", 1_777_636_800_000_000, ETag, _committed, "video/mp4", 2, 2,
        [
            new CopyFacts("worker-1", "5f686aedcc7b496b684dfa71f018cdf7", "http://worker1:8081", "good"),
            new CopyFacts("worker-2", "cc828b448972a8381749f99aa69ac178", "http://worker2:8082", "good"),
        ]);

    public static FilePage Page { get; } = new([File], 1, null);

    public static StoredFacts Stored { get; } = new(File.Name, File.Size, File.Checksum, File.Version, ETag, 2, 2);

    public static DeletedFacts Deleted { get; } = new(File.Name, 1_777_640_400_000_000, 2);

    public static IReadOnlyList<TrashFacts> Trash { get; } = [new(File.Name, File.Version, File.Size, File.Checksum, _committed, _committed.AddHours(5), 2, true)];

    public static IReadOnlyList<QuarantineFacts> Quarantine { get; } =
    [
        new(
            "worker-1", "5f686aedcc7b496b684dfa71f018cdf7", "1777636800000000-8f14e45f", "its node was away longer than deletions are remembered, and the catalog does not know it",
            _committed.AddDays(40), File.Size, File.Name, File.Version, File.Checksum, _committed, true),
    ];

    public static IReadOnlyList<VerifyFacts> Verdicts { get; } = [new("http://worker1:8081", "0a1b2c3d", true), new("http://worker2:8082", "ERROR", false)];

    public static IReadOnlyDictionary<string, Dictionary<string, bool>> Found { get; } =
        new Dictionary<string, Dictionary<string, bool>> { [File.Name] = new() { ["http://worker1:8081"] = true, ["http://worker2:8082"] = true } };

    public static ClassicStats Stats { get; } = new(3, 7, 7, 30, 0);

    public static IReadOnlyList<NodeFacts> Nodes { get; } =
    [
        new("5f686aedcc7b496b684dfa71f018cdf7", "worker-1", "http://worker1:8081", null, null, "alive", null, 1_000_000_000_000, 640_000_000_000, 360_000_000_000, 412, 3, 0, 1.7)
        {
            Version = "0.1.0", Protocol = WireVersion.Current, System = "Debian GNU/Linux 13 (trixie), X64", Processors = 4, UptimeSeconds = 86_400.5, Life = "8f14e45fceea167a5a36dedd4bea2543",
            DiskTotal = 2_000_000_000_000, DiskFree = 740_000_000_000, MemoryUsed = 180_000_000, DirectIo = true, InFlight = 0,
        },
    ];

    public static IReadOnlyList<ScrubFacts> Scrub { get; } =
    [
        new("worker-1", "5f686aedcc7b496b684dfa71f018cdf7", "running", null, 12, 210_000_000_000, 360_000_000_000, 16_777_216, 8940.7, 1_104_000.5, 1, 1, 1_101_000),
    ];

    public static DrainFacts Drain { get; } = new("worker-1", "5f686aedcc7b496b684dfa71f018cdf7", "draining", 310, 271_000_000_000, 5169.1, 0, 412, 50 << 20);

    public static RebalanceFacts Rebalance { get; } = new(
        "running", 180, 156_000_000_000, 160_000_000_000, 2324.6, 67_108_864, 2, 20, 14_000_000_000, _committed, null,
        [
            new("worker-1", "5f686aedcc7b496b684dfa71f018cdf7", 360_000_000_000, 282_000_000_000, 280_000_000_000),
            new("worker-2", "cc828b448972a8381749f99aa69ac178", 358_000_000_000, 280_000_000_000, 280_000_000_000),
            new("worker-3", "0b1c2d3e4f5061728394a5b6c7d8e9f0", 120_000_000_000, 276_000_000_000, 280_000_000_000),
        ]);

    public static IReadOnlyList<RefusedFacts> Refused { get; } =
    [
        new(
            "d41d8cd98f00b204e9800998ecf8427e", "worker-1", "http://worker1:8081", "This node has a new identity under the name 'worker-1', which node 5f686aedcc7b496b684dfa71f018cdf7 has had. …",
            "5f686aedcc7b496b684dfa71f018cdf7", 2.4),
    ];

    public static MaintenanceFacts Maintenance { get; } = new("worker-1", "5f686aedcc7b496b684dfa71f018cdf7", 1800, 0);

    public static IReadOnlyList<TombstoneFacts> Tombstones { get; } = [new("old.mp4", 1_777_633_200_000_000, _committed, 86_400.5)];

    public static ClusterFacts Cluster { get; } = new(
        "0c134e72b9bbe93d0cce67fe31112d2c", 4, 1_296_000.5, null, "Redis holds the catalog.", "appendfsync always: what Redis confirmed survives a power loss.", true,
        3, 3, 7, 1, 0, HealingFacts.Of(2, 5, 5_100_000_000, 110_000_000), 3_000_000_000_000, 1_900_000_000_000, 1_100_000_000_000, 2, 0)
    {
        Changes = 4711,
    };

    public static VerifyProgressFacts VerifyProgress { get; } = new(
        true, 600_000_000, 1_468_006_400, [new("worker-1", 400_000_000, 734_003_200, null), new("worker-2", 200_000_000, 734_003_200, null)]);

    public static HistoryFacts History { get; } = new(10, [new ClusterSample(_committed, 3, 7, 0, 1_100_000_000_000, 1_900_000_000_000, 0, 12_500_000, 0, 3)]);

    public static SettingsFacts Settings { get; } = new(
        [new SettingGroup("Master", [new SettingFacts("Mdfs:Master:ReplicationFactor", "2", "2", "copies", "Copies that every movie shall have. Default 2; 1 to 16.")])]);

    public static ActivityPage Activity { get; } = new(
        [
            new ActivityEntry("1777640400000002", _committed, ActivityKinds.Healed, null, "worker-3", null, "120 movies", 88_080_384_000, 120),
            new ActivityEntry("1777640400000001", _committed, ActivityKinds.Uploaded, File.Name, null, "192.168.1.20", "2 of 2 copies", File.Size),
        ],
        "1777640400000001");

    public static LinkFacts Links { get; } = new(
        "http://nas:8080/play?name=film.mp4", "http://nas:8080/download?name=film.mp4", "http://nas:8080/index/film.mp4", "http://nas:8080/api/playlist.m3u8?name=film.mp4",
        "http://worker1:8081/direct/1777636800000000/film.mp4?as=inline&expires=1778241600000&signature=cZ2H8yX0m1vQkq5m3cG0xw2bq7Hn4t6oJrE9yKfLdUs", null);

    public const string Playlist = "#EXTM3U\n#EXTINF:-1,film.mp4\nhttp://nas:8080/index/film.mp4\n";

    public const string Index = "<!DOCTYPE html>\n…<pre>\n<a href=\"film.mp4\">film.mp4</a>   01-May-2026 12:00   734003200\n</pre>…";

    public const string Xspf =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">\n  <title>MDFS Pro</title>\n  <trackList>\n    <track>\n"
        + "      <location>http://nas:8080/index/film.mp4</location>\n      <title>film.mp4</title>\n    </track>\n  </trackList>\n</playlist>";
}
