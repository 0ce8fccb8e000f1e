using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>
/// What a life finds when it starts, and what it makes of what a crash left: unfinished things are removed, half seals taken back, prepared
/// uploads kept, covered replicas buried, sidecars mended. Tombstones first, so that nothing deleted is ever listed.
/// </summary>
internal sealed partial class StoreRecovery(
    DataDirectory directory, Inventory inventory, UploadStore uploads, AppendStore appends, TombstoneLog tombstones, NodeMemory memory, Trash trash, KeptTrash kept, Quarantine quarantine, ILogger<StoreRecovery> logger)
{
    /// <summary>Why a replica is put aside; the console has it in other languages as well.</summary>
    public const string Undescribed = "Neither of its sidecars says what it is.";

    public void Run()
    {
        if (tombstones.Unreadable > 0) LogTombstonesUnreadable(tombstones.Unreadable);
        inventory.SetTombstones(tombstones.Live());
        kept.Load();
        quarantine.Load();
        var halfSealed = new Dictionary<UploadId, string>();
        for (var shard = 0; shard < Shards.Count; shard++) FindHalfSeals(directory.Shard(shard), halfSealed);
        RecoverUploads(halfSealed);
        Parallel.For(0, Shards.Count, new ParallelOptions { MaxDegreeOfParallelism = 4 }, RecoverShard);
        LogRecovered(inventory.Count, inventory.Bytes, directory.Root);
    }

    // A replica's bytes arrive last. Sidecars alone are a seal that was cut before its moment, or the rest of a deletion.
    private void FindHalfSeals(string shard, Dictionary<UploadId, string> halfSealed)
    {
        foreach (var blocks in Directory.EnumerateFiles(shard, "*" + Sidecars.Blocks))
        {
            if (File.Exists(blocks[..^Sidecars.Blocks.Length])) continue;
            if (BlockFormat.ReadHeader(blocks)?.Description is { } replica) halfSealed[replica.Upload] = blocks;
        }
    }

    private void RecoverUploads(Dictionary<UploadId, string> halfSealed)
    {
        foreach (var file in Directory.EnumerateFiles(directory.Incoming).ToList())
        {
            var name = Path.GetFileName(file);
            if (name.EndsWith(Durable.Unfinished, StringComparison.Ordinal)) File.Delete(file);
            else if (UploadId.TryParse(name, out var upload)) RecoverUpload(upload, file, halfSealed);
            else RemoveOrphan(file, name);
        }

        Durable.SyncDirectory(directory.Incoming);
    }

    private void RecoverUpload(UploadId upload, string path, Dictionary<UploadId, string> halfSealed)
    {
        var blocks = path + Sidecars.Blocks;
        if (!File.Exists(blocks) && halfSealed.TryGetValue(upload, out var moved))
        {
            File.Move(moved, blocks);
            LogHalfSeal(upload);
        }

        UploadReceipt? receipt;
        AppendNote? note;
        try
        {
            receipt = ReadReceipt(path + Sidecars.Receipt);
            note = ReadNote(path + Sidecars.Appendable);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What it is is not known, and somebody may have been told that it is stored. The next start looks again.
            LogNotRead(error, upload);
            return;
        }

        if (receipt is not null && receipt.Upload == upload && File.Exists(blocks) && new FileInfo(path).Length == receipt.Size)
        {
            uploads.Load(receipt);
            trash.Throw(path + Sidecars.Appendable);
            return;
        }

        if (note is not null && note.Upload == upload)
        {
            // Completed by halves: the receipt is written last, so it is still to be appended to, or completed once more.
            trash.Throw(path + Sidecars.Receipt);
            appends.Load(note);
            return;
        }

        LogUnfinished(upload);
        foreach (var file in new[] { path + Sidecars.Receipt, path + Sidecars.Appendable, path, blocks }) trash.Throw(file);
    }

    // Notes without bytes. The beginnings of pulls stay: the master will ask for them again, or the janitor removes them.
    private void RemoveOrphan(string file, string name)
    {
        foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Receipt, Sidecars.Appendable })
        {
            if (name.EndsWith(ending, StringComparison.Ordinal) && !File.Exists(file[..^ending.Length])) trash.Throw(file);
        }
    }

    private void RecoverShard(int shard)
    {
        var path = directory.Shard(shard);
        var changed = false;
        var files = Directory.EnumerateFiles(path).Select(Path.GetFileName).OfType<string>().ToHashSet(StringComparer.Ordinal);
        foreach (var name in files)
        {
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            if (dot >= 0)
            {
                if (!name.EndsWith(Durable.Unfinished, StringComparison.Ordinal) && files.Contains(name[..dot])) continue;
                File.Delete(Path.Combine(path, name));
                changed = true;
            }
            else if (MovieVersion.TryParse(name, out var version) && Shards.Of(version) == shard)
            {
                changed |= RecoverReplica(version, files);
            }
            else
            {
                LogForeign(Path.Combine(path, name));
            }
        }

        if (changed) Durable.SyncDirectory(path);
    }

    /// <returns>Whether the directory changed.</returns>
    private bool RecoverReplica(MovieVersion version, HashSet<string> files)
    {
        var path = directory.ReplicaPath(version);
        var replica = ChecksumFile.Read(path + Sidecars.Checksum);
        var mended = replica is null;
        if (replica is null)
        {
            replica = BlockFormat.ReadHeader(path + Sidecars.Blocks)?.Description;
            if (replica?.Version == version)
            {
                mended = TryMend(path, replica);
            }
        }

        if (replica is null || replica.Version != version) return TryPutAside(version, path, Undescribed);
        if (memory.Facts.ClusterId is { } own && replica.ClusterId != own)
        {
            return TryPutAside(version, path, $"It was committed by cluster '{replica.ClusterId}', and this node belongs to '{own}'.");
        }

        if (inventory.IsDeleted(replica.Name, version))
        {
            if (!kept.TryKeep(version, path)) trash.Throw(path);
            foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Checksum, Sidecars.Damaged }) File.Delete(path + ending);
            return true;
        }

        var name = version.Number.ToString(CultureInfo.InvariantCulture);
        var damaged = files.Contains(name + Sidecars.Damaged) || new FileInfo(path).Length != replica.Size;
        inventory.Load(new ReplicaReport(replica, damaged, Verified: false));
        return mended;
    }

    // On a full disk the replica is what its copy says all the same, and the scrub writes it anew when there is room.
    private bool TryMend(string path, ReplicaDescription replica)
    {
        try
        {
            ChecksumFile.Write(path + Sidecars.Checksum, replica);
            LogMended(replica.Version);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogNotMended(error, replica.Version);
            return false;
        }
    }

    // Where it cannot be, it stays where it is, nobody's replica: the next start tries again.
    private bool TryPutAside(MovieVersion version, string path, string reason)
    {
        try
        {
            quarantine.Put(path, reason);
            LogQuarantined(version, reason);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogNotPutAside(error, version, reason);
            return false;
        }
    }

    private static UploadReceipt? ReadReceipt(string path) => Read(path, StorageJson.Default.UploadReceipt);

    private static AppendNote? ReadNote(string path) => Read(path, StorageJson.Default.AppendNote);

    /// <summary>Null when the file is missing or does not say anything.</summary>
    /// <exception cref="IOException">It is there and cannot be read.</exception>
    private static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception error) when (error is FileNotFoundException or JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} replicas of {Bytes} bytes are in '{Directory}'.")]
    private partial void LogRecovered(long count, long bytes, string directory);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} lines of the tombstone log cannot be read: deletions that only they told of are not known here until the master tells them again.")]
    private partial void LogTombstonesUnreadable(int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "The seal of upload {Upload} had been cut short; it is prepared as before.")]
    private partial void LogHalfSeal(UploadId upload);

    [LoggerMessage(Level = LogLevel.Information, Message = "Upload {Upload} was never finished and is removed.")]
    private partial void LogUnfinished(UploadId upload);

    [LoggerMessage(Level = LogLevel.Error, Message = "What is written down of upload {Upload} cannot be read: it is left alone until the next start.")]
    private partial void LogNotRead(Exception error, UploadId upload);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The description of version {Version} was damaged and has been mended from its copy.")]
    private partial void LogMended(MovieVersion version);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The description of version {Version} is damaged and could not be written anew; its copy still says what it is.")]
    private partial void LogNotMended(Exception error, MovieVersion version);

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Version} belongs into quarantine and could not be put there, so it lies where it lay and is not served: {Reason}")]
    private partial void LogNotPutAside(Exception error, MovieVersion version, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{File}' is none of ours and is left alone.")]
    private partial void LogForeign(string file);

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Version} was put into quarantine: {Reason}")]
    private partial void LogQuarantined(MovieVersion version, string reason);
}
