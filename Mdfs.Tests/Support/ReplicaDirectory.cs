namespace Mdfs.Tests.Support;

/// <summary>What lies on a worker's disk, seen from outside (design, section 4).</summary>
public static class ReplicaDirectory
{
    /// <summary>The bytes of sealed replicas, sidecars left out; their names are versions.</summary>
    public static IEnumerable<string> Files(string workerDirectory)
    {
        var replicas = Path.Combine(workerDirectory, "replicas");
        return !Directory.Exists(replicas) ? [] : Directory.EnumerateFiles(replicas, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path).All(char.IsAsciiDigit));
    }
}
