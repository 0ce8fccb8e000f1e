using Mdfs.Master.Files;
using Mdfs.Master.Nodes;
using Mdfs.Protocol.Names;

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

    public static IReadOnlyList<VerifyFacts> Verdicts { get; } = [new("http://worker1:8081", "0a1b2c3d", true), new("http://worker2:8082", "ERROR", false)];

    public static IReadOnlyDictionary<string, Dictionary<string, bool>> Found { get; } =
        new Dictionary<string, Dictionary<string, bool>> { [File.Name] = new() { ["http://worker1:8081"] = true, ["http://worker2:8082"] = true } };

    public static ClassicStats Stats { get; } = new(3, 7, 7, 30, 0);

    public static IReadOnlyList<NodeFacts> Nodes { get; } =
    [
        new("5f686aedcc7b496b684dfa71f018cdf7", "worker-1", "http://worker1:8081", null, null, "alive", null, 1_000_000_000_000, 640_000_000_000, 360_000_000_000, 412, 3, 0, 1.7),
    ];

    public static IReadOnlyList<TombstoneFacts> Tombstones { get; } = [new("old.mp4", 1_777_633_200_000_000, _committed, 86_400.5)];

    public static ClusterFacts Cluster { get; } = new(
        "0c134e72b9bbe93d0cce67fe31112d2c", 4, 1_296_000.5, null, "Redis holds the catalog.", "appendfsync always: what Redis confirmed survives a power loss.", true,
        3, 3, 7, 1, 0, 0, 0, 3_000_000_000_000, 1_900_000_000_000, 1_100_000_000_000, 2, 0);

    public const string Playlist = "#EXTM3U\n#EXTINF:-1,film.mp4\nhttp://nas:8080/play?name=film.mp4\n";
}
