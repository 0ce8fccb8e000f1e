using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Disk space with promises counted: an upload reserves its size before its first byte, so that two of them are never promised the same room,
/// and a reserve is left for sidecars, tombstones and the rest of the machine (design, section 4).
/// </summary>
internal sealed class SpaceAccount
{
    private const long LeastReserve = 1L << 30;

    private readonly Lock _account = new();
    private readonly HashSet<SpaceReservation> _open = [];
    private readonly DriveInfo _drive;
    private readonly Inventory _inventory;
    private readonly KeptTrash _kept;
    private readonly long? _capacity;
    private readonly long _reserve;
    private readonly string? _disk;

    public SpaceAccount(DataDirectory directory, Inventory inventory, KeptTrash kept, IOptions<WorkerOptions> options)
    {
        _drive = new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(directory.Root)! : directory.Root);
        _disk = FileSystemName.Of(directory.Root);
        _inventory = inventory;
        _kept = kept;
        _capacity = options.Value.Capacity;
        _reserve = options.Value.ReservedBytes ?? Math.Max(LeastReserve, _drive.TotalSize / 100);
    }

    /// <summary>Null: there is no room.</summary>
    public SpaceReservation? TryReserve(long bytes)
    {
        lock (_account)
        {
            if (bytes > Free()) return null;
            var reservation = new SpaceReservation(this, bytes);
            _open.Add(reservation);
            try
            {
                EmptyTrash();
            }
            catch
            {
                // Nobody gets it, so nobody would give it back.
                _open.Remove(reservation);
                throw;
            }

            return reservation;
        }
    }

    /// <summary>For bytes that already lie on the disk: prepared before this life, or the beginning of a pull.</summary>
    public SpaceReservation Occupied(long bytes) => Occupied(bytes, bytes);

    /// <summary>For an upload that was promised its room in an earlier life, and of which a part lies on the disk.</summary>
    public SpaceReservation Occupied(long bytes, long written)
    {
        lock (_account)
        {
            var reservation = new SpaceReservation(this, bytes) { Written = written };
            _open.Add(reservation);
            return reservation;
        }
    }

    public NodeSpace Measure()
    {
        lock (_account)
        {
            var used = _inventory.Bytes;
            var inFlight = _open.Sum(reservation => reservation.Size);
            var written = _open.Sum(reservation => reservation.OnDisk);
            // Without its disk it has no more room than what lies there fills; what lies in the trash cannot give way either.
            var (total, free) = Disk;
            var room = total > 0 ? free + _kept.Bytes : 0;
            var capacity = used + written + Math.Max(0, room - _reserve);
            return new NodeSpace(Math.Min(capacity, _capacity ?? long.MaxValue), Math.Max(0, Free(room)), used, inFlight) { Disk = _disk, DiskFree = Math.Max(0, FreeOnDisk(room)) };
        }
    }

    /// <summary>The file system under the data directory: bytes in all, and bytes free. None where it cannot be asked: the path is gone, or its file system is dead, and a node in that state has to say so.</summary>
    public (long Total, long Free) Disk
    {
        get
        {
            try
            {
                return (_drive.TotalSize, _drive.AvailableFreeSpace);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return default;
            }
        }
    }

    internal bool TryGrow(SpaceReservation reservation, long bytes)
    {
        lock (_account)
        {
            if (bytes > Free()) return false;
            reservation.Size += bytes;
            try
            {
                EmptyTrash();
            }
            catch
            {
                reservation.Size -= bytes;
                throw;
            }

            return true;
        }
    }

    /// <summary>Takes the room on the disk itself, where that can be done; what lies in the trash gives way. False: the disk is fuller than this account knows.</summary>
    internal bool TryAllocate(SpaceReservation reservation, SafeFileHandle file, long length)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (!Durable.TryAllocate(file, length)) return true;
                lock (_account) reservation.Allocated = length;
                return true;
            }
            catch (IOException error) when (Durable.IsDiskFull(error))
            {
                if (attempt > 0 || _kept.Bytes == 0) return false;
                _kept.MakeRoom(length);
            }
        }
    }

    internal void Wrote(SpaceReservation reservation, long bytes)
    {
        lock (_account) reservation.Written += bytes;
    }

    internal void EndAt(SpaceReservation reservation, long bytes)
    {
        lock (_account) reservation.Size = bytes;
    }

    internal void Release(SpaceReservation reservation)
    {
        lock (_account) _open.Remove(reservation);
    }

    // Written bytes are gone from the disk's free space already; only what is promised and not yet written is still to come. What lies in the trash gives
    // way.
    private long FreeOnDisk(long room) => room - _reserve - Promised();

    private long Free() => Free(_drive.AvailableFreeSpace + _kept.Bytes);

    private long Free(long room)
    {
        var onDisk = FreeOnDisk(room);
        return _capacity is { } capacity ? Math.Min(onDisk, capacity - _inventory.Bytes - _open.Sum(static one => Math.Max(one.Size, one.Written))) : onDisk;
    }

    // What was promised counts on room that the trash still has.
    private void EmptyTrash()
    {
        if (_kept.Bytes > 0 && _reserve + Promised() - _drive.AvailableFreeSpace is > 0 and var missing) _kept.MakeRoom(missing);
    }

    private long Promised() => _open.Sum(static reservation => Math.Max(0, reservation.Size - reservation.OnDisk));
}

/// <summary>Room for one upload or pull, from its opening until its bytes are sealed or gone.</summary>
internal sealed class SpaceReservation(SpaceAccount account, long size) : IDisposable
{
    /// <summary>Bytes promised.</summary>
    public long Size { get; internal set; } = size;

    /// <summary>Bytes of it that are on the disk.</summary>
    public long Written { get; internal set; }

    /// <summary>Bytes that the file system has set aside for it.</summary>
    public long Allocated { get; internal set; }

    /// <summary>What of it is gone from the disk's free space already.</summary>
    public long OnDisk => Math.Max(Written, Allocated);

    /// <summary>Has the file system set the room aside; false: there is none.</summary>
    public bool TryAllocate(SafeFileHandle file, long length) => account.TryAllocate(this, file, length);

    public bool TryGrow(long bytes) => account.TryGrow(this, bytes);

    public void Wrote(long bytes) => account.Wrote(this, bytes);

    /// <summary>It has come to its end, and needs no more than this.</summary>
    public void EndAt(long bytes) => account.EndAt(this, bytes);

    public void Dispose() => account.Release(this);
}
