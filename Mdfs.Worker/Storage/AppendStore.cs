using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Resumable uploads on this disk: written in pieces, each fsynced before its receipt, kept over restarts, and cut back to what the master says was
/// acknowledged before the next piece is written. Completed they are prepared like any upload.
/// </summary>
internal sealed partial class AppendStore(
    DataDirectory directory, UploadStore uploads, Inventory inventory, SpaceAccount space, NodeMemory memory, Trash trash, EmergencyRoom emergency, DirectBuffers buffers, IOptions<WorkerOptions> options,
    ILogger<AppendStore> logger)
{
    // Uploads of unknown length grow in steps, so that the account is not asked for every buffer.
    private const long GrowStep = 16L << 20;

    private readonly ConcurrentDictionary<UploadId, AppendSlot> _slots = new();

    private const int NoSpace = 28;

    // As for uploads in one piece: the client's silence is the master's to judge.
    private readonly Arrival _arrival = new(options.Value.IdleTimeout * 3);

    public IReadOnlyList<UnfinishedReport> Report()
    {
        var now = memory.Facts.ClusterAge;
        return [.. _slots.Values.Select(slot => new UnfinishedReport(slot.Upload, slot.Length, Math.Max(0, now - slot.LastAge)))];
    }

    /// <summary>Null: opened, or open already and still empty.</summary>
    public NodeRefusal? Open(OpenUpload request)
    {
        if (request.Size is < 0) return WorkerProblems.Bad("The size of an upload is not below zero.");
        if (_slots.TryGetValue(request.Upload, out var known)) return known.Length == 0 ? null : WorkerProblems.UploadExists(request.Upload);
        if (inventory.TryGetPrepared(request.Upload, out _)) return WorkerProblems.UploadExists(request.Upload);
        if (space.TryReserve(request.Size ?? GrowStep) is not { } reservation) return WorkerProblems.Full(request.Size ?? GrowStep);
        var created = false;
        try
        {
            var path = directory.UploadPath(request.Upload);
            using (var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write))
            {
                created = true;
                if (request.Size is { } size && !reservation.TryAllocate(file, size)) throw new IOException("There is no room on the disk.", NoSpace);
            }

            // Syncs the directory, and with it the name of the bytes.
            Durable.WriteFile(path + Sidecars.Appendable, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new AppendNote(request.Upload, request.Size), StorageJson.Default.AppendNote)));
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            reservation.Dispose();
            if (created) Remove(request.Upload);
            return WorkerProblems.DiskFull;
        }
        catch
        {
            reservation.Dispose();
            // Nobody would know of it, and whoever opens it once more would find the name taken.
            if (created) Remove(request.Upload);
            throw;
        }

        _slots[request.Upload] = new AppendSlot(request.Upload, 0, reservation) { LastAge = memory.Facts.ClusterAge };
        return null;
    }

    /// <summary>Found on disk at start. What was acknowledged of it the master will say.</summary>
    public void Load(AppendNote note)
    {
        var path = directory.UploadPath(note.Upload);
        var length = new FileInfo(path).Length;
        var reservation = space.Occupied(Math.Max(note.Size ?? 0, length), length);
        // The room that was set aside for it is gone from the disk's free space since an earlier life, and is not to be counted once more. Where it still is, this costs nothing.
        if (reservation.Size > length)
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
            reservation.TryAllocate(file, reservation.Size);
        }

        // Its idleness begins anew: nobody could have continued it while this node was away.
        _slots[note.Upload] = new AppendSlot(note.Upload, length, reservation) { LastAge = memory.Facts.ClusterAge };
    }

    /// <summary>What is here of it; null: nothing.</summary>
    public AppendState? Find(UploadId upload)
    {
        if (inventory.TryGetPrepared(upload, out var receipt)) return new AppendState(memory.Id, upload, receipt.Size, receipt.Size, receipt.Checksum, Prepared: true);
        if (!_slots.TryGetValue(upload, out var slot)) return null;
        var (offset, checksum) = slot.Acknowledged;
        return new AppendState(memory.Id, upload, slot.Length, offset, checksum, Prepared: false);
    }

    /// <summary>Cuts the bytes back to the offset, and appends the piece. What a broken connection leaves is cut off by the next one.</summary>
    /// <param name="offset">What was acknowledged to the client, and <paramref name="checksum"/> its CRC-32.</param>
    /// <param name="size">Bytes of the whole, when they are known.</param>
    /// <param name="epoch">Of the master that sends it: it may have been replaced while the piece waited for its turn, and its offset be older than what was acknowledged.</param>
    public async Task<Outcome<AppendReceipt>> AppendAsync(UploadId upload, long offset, Checksum checksum, long? size, long epoch, Stream body, CancellationToken cancellation)
    {
        if (!_slots.TryGetValue(upload, out var slot)) return WorkerProblems.UnknownUpload(upload);
        using var turn = await slot.EnterAsync(cancellation);
        if (memory.Facts.Epoch is var obeyed && epoch < obeyed) return WorkerProblems.StaleEpoch(epoch, obeyed);
        if (slot.Ended) return WorkerProblems.UnknownUpload(upload);
        if (size > slot.Reservation.Size && !slot.Reservation.TryGrow(size.Value - slot.Reservation.Size)) return WorkerProblems.Full(size.Value - slot.Length);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, turn.CutOff);
        try
        {
            await using var part = await ReopenAsync(slot, offset, checksum, stop.Token);
            if (part is null) return WorkerProblems.OtherBeginning(upload, offset, slot.Length);
            slot.Acknowledge(offset, checksum);
            slot.LastAge = memory.Facts.ClusterAge;
            if (await CopyAsync(slot, part, body, stop) is { } refusal) return refusal;
            await part.FlushAsync();
            stop.Token.ThrowIfCancellationRequested();
            slot.Length = part.Length;
            slot.OfParts = part.OfParts;
            return new AppendReceipt(memory.Id, upload, part.Length, part.Checksum);
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            LogDiskFull(upload);
            return WorkerProblems.DiskFull;
        }
    }

    /// <summary>
    /// A resumable upload's bytes, prepared or not, for reading; null: it is not here, or shorter. Nobody is kept from anything by it: what is whole is not appended to, and should it be
    /// removed, the open file stays readable.
    /// </summary>
    public SafeFileHandle? TryRead(UploadId upload, long length)
    {
        var here = _slots.TryGetValue(upload, out var slot) ? slot.Length : inventory.TryGetPrepared(upload, out var receipt) ? receipt.Size : -1;
        if (here < length) return null;
        try
        {
            return File.OpenHandle(directory.UploadPath(upload), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            // Sealed or removed in this moment.
            return null;
        }
    }

    /// <summary>Writes an opened upload anew from its beginning, by whatever brings its bytes.</summary>
    /// <param name="fill">Appends all bytes, or says why it cannot.</param>
    public async Task<NodeRefusal?> FillAsync(UploadId upload, CompleteUpload whole, Func<PartFile, CancellationToken, Task<NodeRefusal?>> fill, CancellationToken cancellation)
    {
        if (!_slots.TryGetValue(upload, out var slot)) return WorkerProblems.UnknownUpload(upload);
        using var turn = await slot.EnterAsync(cancellation);
        if (slot.Ended) return WorkerProblems.UnknownUpload(upload);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, turn.CutOff);
        try
        {
            await using var part = await ReopenAsync(slot, 0, default, stop.Token);
            if (part is null) return WorkerProblems.OtherBeginning(upload, 0, slot.Length);
            if (await fill(part, stop.Token) is { } refusal) return refusal;
            if (part.Length != whole.Size || part.Checksum != whole.Checksum) return WorkerProblems.OtherBytes(upload);
            await part.FlushAsync();
            slot.Length = part.Length;
            slot.OfParts = part.OfParts;
            slot.Reservation.Wrote(part.Length - slot.Reservation.Written);
            slot.LastAge = memory.Facts.ClusterAge;
            return null;
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            LogDiskFull(upload);
            return WorkerProblems.DiskFull;
        }
    }

    /// <summary>Makes it a prepared upload.</summary>
    public async Task<Outcome<PreparedReceipt>> CompleteAsync(UploadId upload, CompleteUpload request, CancellationToken cancellation)
    {
        if (uploads.Repeat(upload, request) is { } receipt) return receipt;
        if (!_slots.TryGetValue(upload, out var slot)) return WorkerProblems.UnknownUpload(upload);
        using var turn = await slot.EnterAsync(cancellation);
        if (slot.Ended) return uploads.Repeat(upload, request) is { } meanwhile ? meanwhile : WorkerProblems.UnknownUpload(upload);
        PreparedReceipt prepared = null!;
        try
        {
            // Nothing follows: what was set aside behind the end went with the reopening, and would else stay the replica's for good.
            await using (var part = await ReopenAsync(slot, request.Size, request.Checksum, turn.CutOff, goesOn: false))
            {
                if (part is null) return WorkerProblems.OtherBeginning(upload, request.Size, slot.Length);
                await part.CompleteAsync();
                slot.Reservation.EndAt(request.Size);
            }

            // The client was told that all its bytes are stored: a full disk must not keep them from becoming a movie.
            emergency.Write(() => prepared = uploads.Prepare(new UploadReceipt(upload, request.Size, request.Checksum, memory.Facts.ClusterAge), slot.Reservation));
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            LogDiskFull(upload);
            return WorkerProblems.DiskFull;
        }

        slot.Ended = true;
        _slots.TryRemove(upload, out _);
        // Without it the receipt still counts, and with both the receipt does.
        trash.Throw(directory.UploadPath(upload) + Sidecars.Appendable);
        return prepared;
    }

    /// <summary>Removes it; nothing happens when there is none. What cannot be removed is still an upload here: the beats go on telling of it, and the order comes again.</summary>
    /// <param name="expires">Asked right before the bytes go; true: the order is too old.</param>
    public async Task DiscardAsync(UploadId upload, Func<bool>? expires = null)
    {
        if (!_slots.TryGetValue(upload, out var slot)) return;
        using var turn = await slot.EnterAsync(CancellationToken.None);
        if (slot.Ended || expires?.Invoke() == true) return;
        // First the disk: it may be away, and what is forgotten before it is removed keeps its room there until the next start.
        Remove(upload);
        slot.Ended = true;
        _slots.TryRemove(upload, out _);
        slot.Reservation.Dispose();
    }

    private async Task<PartFile?> ReopenAsync(AppendSlot slot, long offset, Checksum checksum, CancellationToken cancellation, bool goesOn = true)
    {
        var part = await PartFile.ReopenAsync(directory.UploadPath(slot.Upload), offset, checksum, offset == slot.Length ? slot.OfParts : null, buffers, cancellation);
        if (part is null) return null;
        // From here on the file is only as long as was acknowledged, whatever becomes of the piece.
        slot.Length = offset;
        slot.OfParts = part.OfParts;
        slot.Reservation.Wrote(offset - slot.Reservation.Written);
        // Cutting off what lay behind it gave back the room that was set aside; who may take it meanwhile is found when a write fails.
        slot.Reservation.Allocated = 0;
        if (goesOn && slot.Reservation.Size > offset) part.TryAllocate(slot.Reservation, slot.Reservation.Size);
        return part;
    }

    private async Task<NodeRefusal?> CopyAsync(AppendSlot slot, PartFile part, Stream body, CancellationTokenSource stop)
    {
        while (true)
        {
            var filled = await _arrival.FillAsync(body, part.Room(), stop);
            if (filled == 0) return null;
            var length = part.Length + filled;
            if (length > slot.Reservation.Size && !slot.Reservation.TryGrow(Math.Max(GrowStep, length - slot.Reservation.Size))) return WorkerProblems.Full(filled);
            await part.AdvanceAsync(filled, stop.Token);
            slot.Reservation.Wrote(filled);
        }
    }

    private void Remove(UploadId upload)
    {
        var path = directory.UploadPath(upload);
        // The note first: without it a crash in between leaves an unfinished part, which the next start removes.
        foreach (var file in new[] { path + Sidecars.Appendable, path, path + Sidecars.Blocks }) trash.Throw(file);
        Durable.SyncDirectory(directory.Incoming);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The disk became full while a piece of upload {Upload} was written; what was acknowledged of it stays.")]
    private partial void LogDiskFull(UploadId upload);
}
