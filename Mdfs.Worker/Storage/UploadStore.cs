using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Bytes on their way (design, section 4): opened with their space reserved, written and hashed, fsynced, and with a receipt on disk
/// <em>prepared</em>. Prepared bytes survive a restart and are never served, listed or counted; only the master decides what becomes of them.
/// </summary>
internal sealed partial class UploadStore(
    DataDirectory directory, Inventory inventory, SpaceAccount space, NodeMemory memory, NodeLife life, Trash trash, KeptTrash kept, Quarantine quarantine, DirectBuffers buffers, IOptions<WorkerOptions> options,
    TimeProvider time, ILogger<UploadStore> logger)
{
    // Uploads of unknown length grow in steps, so that the account is not asked for every buffer.
    private const long GrowStep = 16L << 20;

    // Between opening and the first byte lies nothing but the opening of the other targets.
    private static readonly TimeSpan _openLife = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<UploadId, UploadSlot> _slots = new();

    // The client's silence is the master's to judge; a worker that gave up first would be blamed for it.
    private readonly Arrival _arrival = new(options.Value.IdleTimeout * 3);

    /// <summary>Null: opened, or open already.</summary>
    public NodeRefusal? Open(OpenUpload request)
    {
        DropForgotten();
        if (request.Size is < 0) return WorkerProblems.Bad("The size of an upload is not below zero.");
        if (_slots.TryGetValue(request.Upload, out var known))
        {
            return known.State == UploadState.Open && known.Size == request.Size ? null : WorkerProblems.UploadExists(request.Upload);
        }

        var room = request.Size ?? Math.Max(GrowStep, request.AtLeast);
        var reservation = space.TryReserve(room);
        if (reservation is null) return WorkerProblems.Full(room);
        var slot = new UploadSlot(request.Upload, request.Size, reservation, time.GetTimestamp());
        // Whoever drops it waits until its file is there: one that came into being afterwards would be nobody's, and keep its room.
        slot.TryBegin(UploadState.Open, UploadState.Open);
        if (!_slots.TryAdd(request.Upload, slot))
        {
            reservation.Dispose();
            return WorkerProblems.UploadExists(request.Upload);
        }

        var opened = false;
        try
        {
            opened = request.Size is not { } size || TryAllocate(slot, size);
            return opened ? null : WorkerProblems.DiskFull;
        }
        finally
        {
            if (!opened) Drop(slot);
            slot.EndBusy();
        }
    }

    private bool TryAllocate(UploadSlot slot, long size)
    {
        try
        {
            using var file = File.OpenHandle(directory.UploadPath(slot.Upload), FileMode.Create, FileAccess.Write);
            return slot.Reservation.TryAllocate(file, size);
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            return false;
        }
    }

    /// <summary>
    /// Removes what was opened and never begun: the master that opened it is gone, or never heard that it was, and the room would stay reserved. And what could not be removed when it was to be,
    /// since the disk was away.
    /// </summary>
    public void DropForgotten()
    {
        foreach (var slot in _slots.Values)
        {
            if (slot.TryBegin(UploadState.Gone, UploadState.Gone))
            {
                // Unless it has gone in this moment, by right.
                if (_slots.TryGetValue(slot.Upload, out var there) && there == slot) Drop(slot);
                slot.EndBusy();
                continue;
            }

            if (slot.State != UploadState.Open || time.GetElapsedTime(slot.Opened) < _openLife || !slot.TryBegin(UploadState.Open, UploadState.Busy)) continue;
            Drop(slot);
            slot.EndBusy();
            LogForgotten(slot.Upload);
        }
    }

    /// <summary>Found on disk at start.</summary>
    public void Load(UploadReceipt receipt)
    {
        inventory.LoadPrepared(receipt);
        _slots[receipt.Upload] = new UploadSlot(receipt.Upload, receipt.Size, space.Occupied(receipt.Size), time.GetTimestamp()) { State = UploadState.Prepared };
    }

    /// <summary>Takes the bytes. Anything that breaks on the way drops the upload.</summary>
    /// <param name="contentLength">What the request announced, or null.</param>
    public async Task<Outcome<PreparedReceipt>> ReceiveAsync(UploadId upload, Stream body, long? contentLength, CancellationToken cancellation)
    {
        if (!_slots.TryGetValue(upload, out var slot)) return WorkerProblems.UnknownUpload(upload);
        if (!slot.TryBegin(UploadState.Open, UploadState.Receiving)) return WorkerProblems.UploadExists(upload);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, slot.Dropped);
        try
        {
            if (slot.Size is { } opened && contentLength is { } announced && opened != announced)
            {
                Drop(slot);
                return WorkerProblems.WrongSize(opened, announced);
            }

            var outcome = await WriteAsync(slot, body, stop);
            if (outcome.Refusal is not null) Drop(slot);
            return outcome;
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            Drop(slot);
            LogDiskFull(upload);
            return WorkerProblems.DiskFull;
        }
        catch
        {
            Drop(slot);
            throw;
        }
        finally
        {
            slot.EndBusy();
        }
    }

    /// <summary>Makes trashed bytes a prepared upload; doing it twice is the same as once. From here on they are committed, sealed or discarded like any.</summary>
    public async Task<Outcome<PreparedReceipt>> RestoreAsync(UploadId upload, MovieVersion version, CancellationToken cancellation)
    {
        if (inventory.TryGetPrepared(upload, out var already)) return Receipt(already, inventory.Draw());
        if (upload != UploadId.Undeleting(version)) return WorkerProblems.Bad("The upload of a version that is brought back is named after it.");
        if (kept.Find(version) is not { } found) return WorkerProblems.UnknownReplica(version);
        if (!await kept.ReadsWellAsync(found, cancellation)) return WorkerProblems.Damaged(version);
        // Whoever takes it is the only one.
        var path = directory.UploadPath(upload);
        if (!kept.TryTake(version, path)) return WorkerProblems.UnknownReplica(version);
        var receipt = new UploadReceipt(upload, found.Replica.Size, found.Replica.Checksum, memory.Facts.ClusterAge);
        return await OrAsBeforeAsync(upload, receipt.Size, () => Task.FromResult<Outcome<PreparedReceipt>>(Prepare(receipt)), () => kept.TryPutBack(version, path));
    }

    /// <summary>Makes quarantined bytes a prepared upload, and leaves them in quarantine too; doing it twice is the same as once.</summary>
    public async Task<Outcome<PreparedReceipt>> AdoptAsync(UploadId upload, string id, CancellationToken cancellation)
    {
        if (inventory.TryGetPrepared(upload, out var already)) return Receipt(already, inventory.Draw());
        if (quarantine.Find(id) is not { } found) return WorkerProblems.NotInQuarantine(id);
        var path = directory.UploadPath(upload);
        return await OrAsBeforeAsync(
            upload,
            found.Size,
            async () => await quarantine.LinkAsync(found, path, cancellation) is { } checksum
                ? Prepare(new UploadReceipt(upload, found.Size, checksum, memory.Facts.ClusterAge))
                : WorkerProblems.DamagedInQuarantine(id),
            () => ThrowAway(path));
    }

    // What is on this disk already becomes an upload, or is again what it was: nobody else knows that it lies among the uploads.
    private async Task<Outcome<PreparedReceipt>> OrAsBeforeAsync(UploadId upload, long size, Func<Task<Outcome<PreparedReceipt>>> prepare, Action undo)
    {
        try
        {
            var prepared = await prepare();
            if (prepared.Refusal is not null) UndoOrLater(upload, size, undo);
            return prepared;
        }
        catch (Exception error)
        {
            try
            {
                trash.Throw(directory.UploadPath(upload) + Sidecars.Receipt);
            }
            finally
            {
                UndoOrLater(upload, size, undo);
            }

            if (error is not IOException full || !Durable.IsDiskFull(full)) throw;
            LogDiskFull(upload);
            return WorkerProblems.DiskFull;
        }
    }

    // What cannot be undone at once is an upload that could not be removed: the next look at those tries again, and nothing else would before the next start.
    private void UndoOrLater(UploadId upload, long size, Action undo)
    {
        try
        {
            undo();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LogStays(error, upload);
            _slots[upload] = new UploadSlot(upload, size, space.Occupied(size), time.GetTimestamp()) { State = UploadState.Gone };
        }
    }

    /// <summary>Removes an upload in any state; nothing happens when there is none.</summary>
    /// <param name="expires">Asked right before the bytes go; true: the order is too old.</param>
    public async Task DiscardAsync(UploadId upload, Func<bool>? expires = null)
    {
        if (expires?.Invoke() == true || !_slots.TryGetValue(upload, out var slot)) return;
        slot.Drop();
        await slot.Idle;
        // A seal that failed, for one, may have taken its time.
        if (expires?.Invoke() == true) return;
        // Sealed meanwhile: then it is a replica, and no upload any more.
        if (slot.TryBegin(UploadState.Prepared, UploadState.Busy) || slot.TryBegin(UploadState.Open, UploadState.Busy))
        {
            Drop(slot);
            slot.EndBusy();
        }
    }

    /// <summary>
    /// Takes over an upload whose bytes and block checksums are complete and fsynced: prepared when this returns.
    /// </summary>
    /// <param name="reservation">The room that was reserved for it; null: its bytes were on this disk before.</param>
    public PreparedReceipt Prepare(UploadReceipt receipt, SpaceReservation? reservation = null)
    {
        WriteReceipt(directory.UploadPath(receipt.Upload), receipt);
        _slots[receipt.Upload] = new UploadSlot(receipt.Upload, receipt.Size, reservation ?? space.Occupied(receipt.Size), time.GetTimestamp()) { State = UploadState.Prepared };
        return Receipt(receipt, inventory.AddPrepared(receipt));
    }

    /// <summary>The receipt once more, for a master that asks for what is prepared already; null when it is not, or is something else.</summary>
    public PreparedReceipt? Repeat(UploadId upload, CompleteUpload wanted) =>
        inventory.TryGetPrepared(upload, out var receipt) && receipt.Size == wanted.Size && receipt.Checksum == wanted.Checksum ? Receipt(receipt, inventory.Draw()) : null;

    /// <summary>Takes a prepared upload for sealing; null when there is none. Ends with <see cref="Sealed"/> or <see cref="GiveBack"/>.</summary>
    public UploadSlot? TakePrepared(UploadId upload) =>
        _slots.TryGetValue(upload, out var slot) && slot.TryBegin(UploadState.Prepared, UploadState.Busy) ? slot : null;

    /// <summary>The inventory knows it as a replica (<see cref="Inventory.Seal"/>), and it is no upload any more.</summary>
    public void Sealed(UploadSlot slot)
    {
        _slots.TryRemove(slot.Upload, out _);
        slot.Reservation.Dispose();
        slot.State = UploadState.Gone;
        slot.EndBusy();
        if (slot.Upload.Undeletes is { } version) kept.Taken(version);
    }

    public static void GiveBack(UploadSlot slot)
    {
        slot.State = UploadState.Prepared;
        slot.EndBusy();
    }

    private async Task<Outcome<PreparedReceipt>> WriteAsync(UploadSlot slot, Stream body, CancellationTokenSource stop)
    {
        var path = directory.UploadPath(slot.Upload);
        await using var part = PartFile.Create(path, buffers, keep: slot.Size is not null);
        while (true)
        {
            var filled = await _arrival.FillAsync(body, part.Room(), stop);
            if (filled == 0) break;
            var length = part.Length + filled;
            if (length > slot.Size) return WorkerProblems.WrongSize(slot.Size.Value, length);
            if (length > slot.Reservation.Size && !slot.Reservation.TryGrow(Math.Max(GrowStep, filled))) return WorkerProblems.Full(filled);
            await part.AdvanceAsync(filled, stop.Token);
            slot.Reservation.Wrote(filled);
        }

        if (slot.Size is { } expected && part.Length != expected) return WorkerProblems.WrongSize(expected, part.Length);
        var checksum = await part.CompleteAsync();
        stop.Token.ThrowIfCancellationRequested();
        var receipt = new UploadReceipt(slot.Upload, part.Length, checksum, memory.Facts.ClusterAge);
        WriteReceipt(path, receipt);
        var number = inventory.AddPrepared(receipt);
        slot.State = UploadState.Prepared;
        return Receipt(receipt, number);
    }

    // The receipt's own write syncs the directory, and with it the names of the bytes and of their checksums.
    private static void WriteReceipt(string path, UploadReceipt receipt) =>
        Durable.WriteFile(path + Sidecars.Receipt, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(receipt, StorageJson.Default.UploadReceipt)));

    private PreparedReceipt Receipt(UploadReceipt receipt, long number) => new(
        memory.Id, life.Value, number, receipt.Upload, receipt.Size, receipt.Checksum, MovieVersion.Max(inventory.Highest, memory.Facts.HighestVersion));

    private void Drop(UploadSlot slot)
    {
        slot.State = UploadState.Gone;
        inventory.RemovePrepared(slot.Upload);
        try
        {
            if (!TryPutBack(slot.Upload)) ThrowAway(directory.UploadPath(slot.Upload));
            Durable.SyncDirectory(directory.Incoming);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The disk is away, or dying. Forgotten now, its files would keep their room on it until the next start.
            LogStays(error, slot.Upload);
            return;
        }

        _slots.TryRemove(KeyValuePair.Create(slot.Upload, slot));
        slot.Reservation.Dispose();
    }

    // The receipt first: without it a crash in between leaves an unfinished part, which the next start removes, or puts back into the trash.
    private void ThrowAway(string path)
    {
        foreach (var file in new[] { path + Sidecars.Receipt, path, path + Sidecars.Blocks }) trash.Throw(file);
    }

    // What was to be brought back and was not is what it was before.
    private bool TryPutBack(UploadId upload)
    {
        if (upload.Undeletes is not { } version || !kept.IsLent(version)) return false;
        var path = directory.UploadPath(upload);
        trash.Throw(path + Sidecars.Receipt);
        return kept.TryPutBack(version, path);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The disk became full while upload {Upload} was written; what had come of it was removed.")]
    private partial void LogDiskFull(UploadId upload);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What came of upload {Upload} could not be removed and keeps its room until the next attempt.")]
    private partial void LogStays(Exception error, UploadId upload);

    [LoggerMessage(Level = LogLevel.Information, Message = "Upload {Upload} was opened and never begun; its room is free again.")]
    private partial void LogForgotten(UploadId upload);
}
