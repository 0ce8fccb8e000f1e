using System.Text;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>
/// The sealed replicas on disk (design, sections 4 and 7): sealing, deleting, burying, putting aside. The disk changes first, is synced, and only
/// then memory and the answer. One thing at a time per name, so that a tombstone and a seal never pass one another.
/// </summary>
internal sealed partial class ReplicaStore(
    DataDirectory directory, Inventory inventory, UploadStore uploads, TombstoneLog tombstones, NodeMemory memory, NodeLife life, Trash trash, KeptTrash kept, Quarantine quarantine, EmergencyRoom emergency,
    ILogger<ReplicaStore> logger)
{
    private readonly KeyedGate _names = new();

    // Around log and memory, so that memory never takes over a log of a moment ago and loses what was written since.
    private readonly Lock _burials = new();

    /// <summary>Makes a prepared upload the replica it was committed as. Sealing twice is the same as once.</summary>
    public async Task<Outcome<SealReceipt>> SealAsync(UploadId upload, ReplicaDescription replica, CancellationToken cancellation)
    {
        if (replica.Upload != upload) return WorkerProblems.OtherBytes(upload);
        using var turn = await _names.EnterAsync(replica.Name.Value, cancellation);
        if (Refusal(replica) is { } refusal) return refusal;
        if (inventory.TryGet(replica.Version, out var held))
        {
            if (held.Report.Replica != replica) return WorkerProblems.OtherReplica(replica.Version);
            if (!held.Report.Damaged)
            {
                // A pull was faster than the order to seal. The prepared bytes are of no more use: they would lie here, and be reported and ordered to be sealed, for good.
                await uploads.DiscardAsync(upload);
                return Receipt(replica.Version);
            }

            // What is prepared is whole, and takes the damaged one's place.
            if (!inventory.TryGetPrepared(upload, out _)) return Receipt(replica.Version);
        }

        if (!inventory.TryGetPrepared(upload, out var prepared) || uploads.TakePrepared(upload) is not { } slot) return WorkerProblems.UnknownUpload(upload);
        if (prepared.Size != replica.Size || prepared.Checksum != replica.Checksum)
        {
            UploadStore.GiveBack(slot);
            return WorkerProblems.OtherBytes(upload);
        }

        try
        {
            // The bytes lie here and somebody was told that they are stored: a full disk must not keep them from it.
            await Task.Run(() => emergency.Write(() => Install(directory.UploadPath(upload), replica)), CancellationToken.None);
        }
        catch (Exception error)
        {
            // It stays prepared, and whole; the order to seal it comes again.
            UploadStore.GiveBack(slot);
            if (error is not IOException full || !Durable.IsDiskFull(full)) throw;
            return WorkerProblems.DiskFull;
        }

        var number = inventory.Seal(upload, new ReplicaReport(replica, Damaged: false, Verified: true));
        uploads.Sealed(slot);
        return Receipt(number, replica.Version);
    }

    /// <summary>Puts pulled, complete and fsynced bytes in the place of a missing or damaged replica. Null: done.</summary>
    public async Task<NodeRefusal?> SealPulledAsync(ReplicaDescription replica, CancellationToken cancellation)
    {
        using var turn = await _names.EnterAsync(replica.Name.Value, cancellation);
        if (Refusal(replica) is { } refusal) return refusal;
        if (inventory.TryGet(replica.Version, out var held) && held.Report.Replica != replica) return WorkerProblems.OtherReplica(replica.Version);
        await Task.Run(() => Install(directory.PullPath(replica.Version), replica), CancellationToken.None);
        inventory.Put(new ReplicaReport(replica, Damaged: false, Verified: true));
        return null;
    }

    /// <summary>Null: not here, or not to be opened (<see cref="IsLostAsync"/> tells which).</summary>
    public ReplicaReader? OpenReader(MovieVersion version) =>
        inventory.TryGet(version, out var held) ? ReplicaReader.Open(directory.ReplicaPath(version), held) : null;

    /// <summary>
    /// Whether there should be bytes and are none: the replica is here, and its file has gone or cannot be opened. Under the name's lock, since the disk changes before memory does: a deletion or another copy that is under way has
    /// ended then, and what is gone by right is not here any more.
    /// </summary>
    public async Task<bool> IsLostAsync(HeldReplica held, CancellationToken cancellation)
    {
        var replica = held.Report.Replica;
        using var turn = await _names.EnterAsync(replica.Name.Value, cancellation);
        if (!inventory.TryGet(replica.Version, out var now) || now.Generation != held.Generation) return false;
        using var bytes = ReplicaReader.TryOpen(directory.ReplicaPath(replica.Version));
        return bytes is null;
    }

    /// <summary>Removes one replica.</summary>
    /// <param name="expires">Asked again under the name's lock, right before the bytes go; true: the order is too old.</param>
    /// <param name="keep">Into the trash, from which it can be brought back.</param>
    /// <returns>Whether it was here and went.</returns>
    public async Task<bool> DeleteAsync(MovieVersion version, string reason, Func<bool> expires, CancellationToken cancellation, bool keep = false)
    {
        if (!inventory.TryGet(version, out var held)) return false;
        using var turn = await _names.EnterAsync(held.Report.Replica.Name.Value, cancellation);
        if (!inventory.TryGet(version, out _) || expires()) return false;
        await Task.Run(() => Discard([version], keep), CancellationToken.None);
        LogDeleted(version, reason);
        return inventory.Remove(version);
    }

    /// <summary>
    /// Keeps tombstones: on disk when this returns, and in memory, so that no seal of what they cover can begin any more. All in one append,
    /// since a node that was away hears of many at once.
    /// </summary>
    /// <exception cref="IOException">They are not on disk; nothing may be removed by them.</exception>
    public async Task RememberAsync(IReadOnlyList<Tombstone> told)
    {
        if (told.Count == 0) return;
        await Task.Run(() =>
        {
            lock (_burials)
            {
                // A full disk must not keep anybody from deleting.
                emergency.Write(() => tombstones.Add(told));
                foreach (var tombstone in told) inventory.AddTombstone(tombstone);
            }
        });
    }

    /// <summary>Removes what remembered tombstones cover. What is only prepared stays: the master decides about it.</summary>
    /// <returns>The versions that went.</returns>
    public async Task<IReadOnlyList<MovieVersion>> RemoveCoveredAsync(IReadOnlyList<Tombstone> told, CancellationToken cancellation)
    {
        var removed = new List<MovieVersion>();
        foreach (var tombstone in told)
        {
            if (!_names.IsHeld(tombstone.Name.Value) && inventory.Covered(tombstone).Count == 0) continue;
            // A seal that had begun before the tombstone was remembered ends first, and is then seen here.
            using var turn = await _names.EnterAsync(tombstone.Name.Value, cancellation);
            var covered = inventory.Covered(tombstone);
            if (covered.Count == 0) continue;
            await Task.Run(() => Discard(covered, keep: true), CancellationToken.None);
            foreach (var version in covered) inventory.Remove(version);
            removed.AddRange(covered);
            LogBuried(covered.Count, tombstone.Bound);
        }

        return removed;
    }

    /// <summary>At the master's word, when no reported replica needs them any more.</summary>
    public void Forget(IReadOnlyList<Tombstone> told)
    {
        if (told.Count == 0) return;
        lock (_burials)
        {
            emergency.Write(() => tombstones.Forget(told));
            inventory.SetTombstones(tombstones.Live());
        }
    }

    /// <summary>Puts a replica aside for the admin to judge: with its sidecars and the reason, in a directory of its own.</summary>
    public async Task<bool> QuarantineAsync(MovieVersion version, string reason, Func<bool> expires, CancellationToken cancellation)
    {
        if (!inventory.TryGet(version, out var held)) return false;
        using var turn = await _names.EnterAsync(held.Report.Replica.Name.Value, cancellation);
        if (!inventory.TryGet(version, out _) || expires()) return false;
        await Task.Run(() => quarantine.Put(directory.ReplicaPath(version), reason), CancellationToken.None);
        LogQuarantined(version, reason);
        return inventory.Remove(version);
    }

    /// <summary>Condemns the files that were read, and remembers it across restarts.</summary>
    /// <returns>Whether that was news.</returns>
    public bool MarkDamaged(HeldReplica held, string reason)
    {
        var version = held.Report.Replica.Version;
        if (!inventory.Mark(version, held.Generation, damaged: true, verified: false)) return false;
        LogDamaged(version, reason);
        try
        {
            Durable.WriteFile(directory.ReplicaPath(version) + Sidecars.Damaged, Encoding.UTF8.GetBytes(reason + "\n"));
        }
        catch (Exception error)
        {
            // A full or dying disk, whatever it comes up with: memory knows, the beat tells, and the next life finds the bad block again when it reads it.
            LogMarkLost(error, version);
        }

        return true;
    }

    /// <summary>The whole file was read and is good.</summary>
    public void MarkGood(HeldReplica held)
    {
        var version = held.Report.Replica.Version;
        if (inventory.Mark(version, held.Generation, damaged: false, verified: true)) File.Delete(directory.ReplicaPath(version) + Sidecars.Damaged);
    }

    /// <summary>
    /// Writes anew what the disk no longer says of a replica as it should: its name, size and checksum stand in a file of their own and in the header of its
    /// block checksums, from which a start mends the file. Whoever waits for the next start waits until both are gone, and then nobody knows what the bytes are.
    /// </summary>
    /// <returns>Whether there was anything to mend.</returns>
    public async Task<bool> MendDescriptionAsync(HeldReplica held, CancellationToken cancellation)
    {
        var replica = held.Report.Replica;
        var path = directory.ReplicaPath(replica.Version);
        if (IsDescribed(path, replica)) return false;
        using var turn = await _names.EnterAsync(replica.Name.Value, cancellation);
        // It went, or other files took its place: that is what was seen.
        if (!inventory.TryGet(replica.Version, out var now) || now.Generation != held.Generation) return false;
        return await Task.Run(() => Describe(path, replica), CancellationToken.None);
    }

    private static bool IsDescribed(string path, ReplicaDescription replica) =>
        ChecksumFile.Read(path + Sidecars.Checksum) == replica && BlockFormat.ReadHeader(path + Sidecars.Blocks) == HeaderOf(replica);

    private bool Describe(string path, ReplicaDescription replica)
    {
        var mended = false;
        if (ChecksumFile.Read(path + Sidecars.Checksum) != replica)
        {
            ChecksumFile.Write(path + Sidecars.Checksum, replica);
            mended = true;
        }

        // Where the whole file is missing its checksums are as well, and both are made from the bytes when a block is read.
        if (File.Exists(path + Sidecars.Blocks) && BlockFormat.ReadHeader(path + Sidecars.Blocks) != HeaderOf(replica))
        {
            WriteHeader(path + Sidecars.Blocks, replica);
            mended = true;
        }

        if (mended) LogDescribed(replica.Version);
        return mended;
    }

    private static BlockHeader HeaderOf(ReplicaDescription replica) => new(replica.Size, replica.Checksum, replica);

    private static void WriteHeader(string blocks, ReplicaDescription replica)
    {
        using var handle = File.OpenHandle(blocks, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        // Of the layout that the checksums behind it have.
        RandomAccess.Write(handle, BlockFormat.WriteHeader(HeaderOf(replica), BlockLayout.Of(handle)), 0);
        Durable.Flush(handle);
    }

    /// <summary>
    /// The order of these steps is what a crash must not break: the sidecars are durable before the bytes take the name that makes them a
    /// replica, and that rename is the moment of sealing. A crash before it leaves sidecars without bytes, which the start takes back
    /// (<see cref="StoreRecovery"/>): the upload is prepared as before.
    /// </summary>
    private void Install(string part, ReplicaDescription replica)
    {
        var path = directory.ReplicaPath(replica.Version);
        var blocks = part + Sidecars.Blocks;
        ChecksumFile.Write(path + Sidecars.Checksum, replica);
        // Already moved: an attempt before this one came that far.
        if (File.Exists(blocks))
        {
            WriteHeader(blocks, replica);
            File.Move(blocks, path + Sidecars.Blocks, overwrite: true);
        }

        Durable.SyncDirectory(Path.GetDirectoryName(path)!);
        if (File.Exists(part) || !IsMoved(path, replica)) File.Move(part, path, overwrite: true);
        Durable.SyncDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path + Sidecars.Damaged);
        File.Delete(part + Sidecars.Receipt);
        Durable.SyncDirectory(directory.Incoming);
    }

    // As with the checksums: an attempt that failed after the rename has come that far, and nothing else brings bytes of a version that is not here to this place. A damaged replica's lie there.
    private bool IsMoved(string path, ReplicaDescription replica) =>
        !inventory.TryGet(replica.Version, out _) && new FileInfo(path) is { Exists: true } bytes && bytes.Length == replica.Size;

    // The bytes first: sidecars without bytes are swept at start, bytes without sidecars would be a riddle.
    private void Discard(IReadOnlyList<MovieVersion> versions, bool keep)
    {
        foreach (var version in versions)
        {
            var path = directory.ReplicaPath(version);
            if (!keep || !kept.TryKeep(version, path)) trash.Throw(path);
            foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Checksum, Sidecars.Damaged }) File.Delete(path + ending);
        }

        foreach (var shard in versions.Select(Shards.Of).Distinct()) Durable.SyncDirectory(directory.Shard(shard));
    }

    private NodeRefusal? Refusal(ReplicaDescription replica)
    {
        var own = memory.Facts.ClusterId;
        if (own is not null && own != replica.ClusterId) return WorkerProblems.OtherCluster(own);
        return inventory.IsDeleted(replica.Name, replica.Version) ? WorkerProblems.Deleted(replica.Name, replica.Version) : null;
    }

    private SealReceipt Receipt(MovieVersion version)
    {
        var (number, report) = inventory.Draw(version);
        return new SealReceipt(memory.Id, life.Value, number, report!);
    }

    private SealReceipt Receipt(long number, MovieVersion version) =>
        new(memory.Id, life.Value, number, inventory.TryGet(version, out var held) ? held.Report : throw new InvalidOperationException("Sealed and gone under its own lock."));

    [LoggerMessage(Level = LogLevel.Warning, Message = "What the disk says of version {Version} was damaged and has been written anew.")]
    private partial void LogDescribed(MovieVersion version);

    [LoggerMessage(Level = LogLevel.Information, Message = "Version {Version} was removed: {Reason}.")]
    private partial void LogDeleted(MovieVersion version, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} replicas up to version {Bound} were removed, since their movie was deleted.")]
    private partial void LogBuried(int count, MovieVersion bound);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Version {Version} was put into quarantine: {Reason}.")]
    private partial void LogQuarantined(MovieVersion version, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Version} is damaged: {Reason}. Its good blocks are still served; a whole copy is needed from another node.")]
    private partial void LogDamaged(MovieVersion version, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "That version {Version} is damaged could not be written down.")]
    private partial void LogMarkLost(Exception error, MovieVersion version);
}
