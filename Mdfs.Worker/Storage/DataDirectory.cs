using System.Globalization;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Where everything lies on a worker's disk (design, section 4), locked for one process. File names are made of versions and upload ids
/// alone: the name of a movie is never part of a path.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private readonly FileStream _lock;

    private DataDirectory(string root, FileStream @lock)
    {
        _lock = @lock;
        Root = root;
        Incoming = Path.Combine(root, "incoming");
        Replicas = Path.Combine(root, "replicas");
        Trash = Path.Combine(root, "trash");
        Kept = Path.Combine(Trash, "kept");
        Quarantine = Path.Combine(root, "quarantine");
        NodeFile = Path.Combine(root, "node.json");
        TombstoneFile = Path.Combine(root, "tombstones.log");
    }

    public string Root { get; }

    public string Incoming { get; }

    public string Replicas { get; }

    public string Trash { get; }

    /// <summary>What is in the trash and can still be brought back.</summary>
    public string Kept { get; }

    public string Quarantine { get; }

    public string NodeFile { get; }

    public string TombstoneFile { get; }

    /// <summary>Creates what is missing and takes the lock.</summary>
    /// <exception cref="SettingException">Another process uses the directory, it cannot be written, or it is spread over several file systems.</exception>
    public static DataDirectory Open(string path)
    {
        var root = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(root);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"The data directory '{root}' cannot be created: {error.Message}", error);
        }

        var directory = new DataDirectory(root, Lock(root));
        try
        {
            directory.Furnish();
            return directory;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of a sealed replica; its sidecars stand beside it.</summary>
    public string ReplicaPath(MovieVersion version) =>
        Path.Combine(Shard(Shards.Of(version)), version.Number.ToString(CultureInfo.InvariantCulture));

    public string Shard(int shard) => Path.Combine(Replicas, shard.ToString("x2", CultureInfo.InvariantCulture));

    public string UploadPath(UploadId upload) => Path.Combine(Incoming, upload.Value);

    /// <summary>The unfinished copy of a version that is being pulled.</summary>
    public string PullPath(MovieVersion version) => Path.Combine(Incoming, $"{PullPrefix}{version.Number.ToString(CultureInfo.InvariantCulture)}");

    public const string PullPrefix = "pull-";

    private const string Probe = $"probe{Durable.Unfinished}";

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string root)
    {
        var file = Path.Combine(root, "lock");
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SettingException(
                $"The data directory '{root}' cannot be locked: another worker uses it, or this user may not write there ({error.Message}).", error);
        }
    }

    private void Furnish()
    {
        foreach (var path in new[] { Incoming, Replicas, Trash, Kept, Quarantine }) Directory.CreateDirectory(path);
        for (var shard = 0; shard < Shards.Count; shard++) Directory.CreateDirectory(Shard(shard));
        CheckOneFileSystem();
        Durable.SyncDirectory(Replicas);
        Durable.SyncDirectory(Root);
    }

    // What is stored, thrown away or put aside is renamed, which takes effect at once and in one piece: a file is sent through all of them. Comparing device numbers would not do, since
    // neither two mounts of one file system nor two subvolumes of Btrfs let a rename through.
    private void CheckOneFileSystem()
    {
        var from = Path.Combine(Incoming, Probe);
        try
        {
            File.WriteAllBytes(from, []);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk serves what it has.
            return;
        }

        try
        {
            foreach (var path in new[] { Replicas, Trash, Kept, Quarantine }.Concat(Enumerable.Range(0, Shards.Count).Select(Shard)))
            {
                var to = Path.Combine(path, Probe);
                if (!Durable.CanRename(from, to))
                    throw new SettingException($"'{path}' lies on another file system, mount or subvolume than '{Incoming}': put the whole data directory on one, or give each disk a worker of its own.");
                from = to;
            }
        }
        finally
        {
            File.Delete(from);
        }
    }
}

/// <summary>Spreads replicas over directories, so that none grows to where listing it hurts.</summary>
internal static class Shards
{
    public const int Count = 256;

    /// <summary>Versions are microseconds, so their lowest byte is as good as random.</summary>
    public static int Of(MovieVersion version) => (int)(version.Number & (Count - 1));
}
