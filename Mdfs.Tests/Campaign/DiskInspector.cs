using System.Globalization;
using System.Text.Json;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;

namespace Mdfs.Tests.Campaign;

/// <summary>A sealed replica as it lies on a disk.</summary>
public sealed record ReplicaOnDisk(CampaignWorker Worker, long Version, string Path)
{
    public string Sidecar => Path + ".checksum";

    public string Blocks => Path + ".blocks";
}

/// <summary>Looks at the workers' disks past everything that the product says of them.</summary>
public sealed class DiskInspector(CampaignCluster cluster, History history)
{
    public IEnumerable<ReplicaOnDisk> Replicas() => cluster.Workers.SelectMany(worker => ReplicaDirectory.Files(worker.Data)
        .Select(path => new ReplicaOnDisk(worker, long.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture), path)));

    /// <summary>Whether it is, byte by byte, what somebody stored under the name that stands beside it.</summary>
    public bool IsIntact(ReplicaOnDisk replica)
    {
        try
        {
            if (Describe(replica) is not { } movie) return false;
            using var file = new FileStream(replica.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return file.Length == movie.Length && MovieBytes.HashOf(file) == movie.Hash;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>What lies on the disks and should not, once all graces are over; and what should, and does not.</summary>
    /// <param name="catalog">What the master says there is.</param>
    public IReadOnlyList<string> Untidiness(IReadOnlyList<MovieFacts> catalog)
    {
        var found = new List<string>();
        var current = catalog.ToDictionary(facts => facts.Version);
        var replicas = Replicas().ToLookup(replica => replica.Version);
        foreach (var group in replicas)
        {
            if (!current.TryGetValue(group.Key, out var facts)) found.Add($"version {group.Key} is in no catalog and lies on {Names(group)}");
            else if (group.Count() != facts.CopiesWanted) found.Add($"{facts.Name} version {group.Key} shall have {facts.CopiesWanted} copies and lies on {Names(group)}");
            foreach (var broken in group.Where(replica => !IsIntact(replica))) found.Add($"version {group.Key} is damaged on {broken.Worker.Name}");
        }

        found.AddRange(current.Values.Where(facts => !replicas.Contains(facts.Version)).Select(facts => $"{facts.Name} version {facts.Version} lies nowhere"));
        foreach (var worker in cluster.Workers)
        {
            // The beginning of a pull that broke off stays for two hours, to be gone on with.
            found.AddRange(Files(worker, "incoming").Where(file => !file.StartsWith(DataDirectory.PullPrefix, StringComparison.Ordinal)).Select(file => $"incoming/{file} lies on {worker.Name}"));
            found.AddRange(Files(worker, "trash").Concat(Files(worker, "trash/kept")).Select(file => $"trash: {file} lies on {worker.Name}"));
            // What lies in quarantine was harmed by a fault, and waits for an admin to judge.
        }

        return found;
    }

    /// <summary>What a power cut has taken and must not: bytes of a sealed replica, or a replica that the answer to its upload has counted. The processes of these workers do not run.</summary>
    /// <param name="before">What lay on all disks when they were killed.</param>
    /// <param name="wounded">Was harmed by a fault.</param>
    public IReadOnlyList<string> LostWithPower(IReadOnlyList<ReplicaOnDisk> before, IReadOnlyList<CampaignWorker> cut, Func<ReplicaOnDisk, bool> wounded)
    {
        var found = new List<string>();
        var copies = history.Changes.Where(change => change is { Ending: Ending.Done, Act: not Act.Delete, Version: not null, Copies: not null }).ToDictionary(change => change.Version!.Value, change => change.Copies!.Value);
        foreach (var version in before.GroupBy(replica => replica.Version))
        {
            foreach (var replica in version.Where(replica => cut.Contains(replica.Worker)))
            {
                if (File.Exists(replica.Path))
                {
                    if (!wounded(replica) && !IsIntact(replica)) found.Add($"version {version.Key} was sealed on {replica.Worker.Name}, and after a power cut it is not what was stored");
                }
                else if (copies.GetValueOrDefault(version.Key) >= version.Count())
                {
                    // As many copies as were counted: this was one of them.
                    found.Add($"version {version.Key} was acknowledged with {copies[version.Key]} copies, and a power cut has taken that on {replica.Worker.Name}");
                }
            }
        }

        return found;
    }

    /// <summary>Whether there are as many copies as the answer has just said. Null: yes, or somebody else has changed the name meanwhile.</summary>
    public string? Uncounted(Change answered)
    {
        if (answered is not { Act: not Act.Delete, Version: { } version, Copies: { } copies }) return null;
        var workers = Replicas().Where(replica => replica.Version == version).Select(replica => replica.Worker.Name).ToList();
        if (workers.Count >= copies || history.Changes.Any(other => other.Name == answered.Name && other.Number != answered.Number && other.End > answered.Start)) return null;
        return $"{copies} copies were acknowledged, and it lies on {(workers.Count == 0 ? "no worker" : string.Join(", ", workers))}: {answered}";
    }

    private MovieBytes? Describe(ReplicaOnDisk replica)
    {
        if (File.ReadLines(replica.Sidecar).ElementAtOrDefault(1) is not { } line) return null;
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            return history.Content(root.GetProperty("name").GetString()!, root.GetProperty("size").GetInt64());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Files(CampaignWorker worker, string directory) => Directory.EnumerateFiles(Path.Combine(worker.Data, directory)).Select(path => Path.GetFileName(path));

    private static string Names(IEnumerable<ReplicaOnDisk> replicas) => string.Join(", ", replicas.Select(replica => replica.Worker.Name).Order());
}
