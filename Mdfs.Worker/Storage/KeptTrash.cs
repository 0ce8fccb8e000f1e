using System.Globalization;
using System.Runtime.ExceptionServices;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Replicas that were deleted or overwritten and can be brought back for a while. They are nobody's replicas any more: not listed, reported, served or
/// counted. Their room counts as free, and is made free, the oldest first, as soon as somebody needs it.
/// </summary>
internal sealed partial class KeptTrash : PeriodicService
{
    private readonly DataDirectory _directory;
    private readonly Trash _trash;
    private readonly TimeSpan _retention;
    private readonly ILogger<KeptTrash> _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<MovieVersion, TrashedReplica> _kept = [];

    // Prepared uploads at present: they come back here if nothing comes of them.
    private readonly Dictionary<MovieVersion, TrashedReplica> _lent = [];
    private long _bytes;

    public KeptTrash(DataDirectory directory, Trash trash, IOptions<WorkerOptions> options, TimeProvider time, ILogger<KeptTrash> logger)
        : base(time, () => Period(options.Value.TrashRetention), logger)
    {
        (_directory, _trash, _retention, _logger) = (directory, trash, options.Value.TrashRetention, logger);
    }

    /// <summary>Of all that is kept.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Finds what an earlier life has kept. What is not whole goes.</summary>
    public void Load()
    {
        // Bytes and what describes them come in any order, and are looked at together.
        foreach (var files in Directory.EnumerateFiles(_directory.Kept).GroupBy(static file => Path.GetFileName(file).Split('.')[0], StringComparer.Ordinal).ToList())
        {
            try
            {
                if (!TryLoad(Path.Combine(_directory.Kept, files.Key))) foreach (var file in files) _trash.Throw(file);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It keeps no worker from starting. The next start looks again.
                LogNotLoaded(error, files.Key);
            }
        }
    }

    private bool TryLoad(string path)
    {
        if (Describe(path) is not { } replica || PathOf(replica.Version) != path) return false;
        var known = new TrashedReplica(replica, new DateTimeOffset(File.GetLastWriteTimeUtc(path + Sidecars.Checksum)));
        var taken = _directory.UploadPath(UploadId.Undeleting(replica.Version));
        if (File.Exists(path))
        {
            // A crash between the two steps of taking it: the first one is undone.
            if (!File.Exists(path + Sidecars.Blocks) && !File.Exists(taken) && File.Exists(taken + Sidecars.Blocks)) File.Move(taken + Sidecars.Blocks, path + Sidecars.Blocks);
            Add(known);
        }
        else if (!File.Exists(taken))
        {
            return false;
        }
        else if (File.Exists(taken + Sidecars.Receipt) && (File.Exists(taken + Sidecars.Blocks) || !File.Exists(path + Sidecars.Blocks)))
        {
            _lent.Add(replica.Version, known);
        }
        else
        {
            // Not prepared, or half put back already: it comes back at once.
            _trash.Throw(taken + Sidecars.Receipt);
            PutBack(known, taken);
        }

        return true;
    }

    /// <summary>Null: nothing describes it, or not any more.</summary>
    /// <exception cref="IOException">Its description is there and cannot be read: that says nothing about the bytes.</exception>
    private static ReplicaDescription? Describe(string path)
    {
        if (ChecksumFile.Read(path + Sidecars.Checksum) is { } told) return told;
        // Without it the bytes came here by half.
        if (!File.Exists(path + Sidecars.Checksum)) return null;
        if (BlockFormat.ReadHeader(path + Sidecars.Blocks)?.Description is { } copy) return copy;
        File.ReadAllBytes(path + Sidecars.Checksum);
        return null;
    }

    /// <summary>Moves a replica that is not one any more here. The caller makes its leaving durable by syncing its directory.</summary>
    /// <returns>False: it is not kept, and lies where it lay.</returns>
    public bool TryKeep(MovieVersion version, string path)
    {
        if (_retention == TimeSpan.Zero || File.Exists(path + Sidecars.Damaged) || ChecksumFile.Read(path + Sidecars.Checksum) is not { } replica) return false;
        var target = PathOf(version);
        try
        {
            File.Move(path, target, overwrite: true);
        }
        catch (IOException)
        {
            return false;
        }

        try
        {
            // The bytes were first: they decide that the replica is gone. A crash from here on leaves bytes that the next start throws away.
            File.Move(path + Sidecars.Blocks, target + Sidecars.Blocks, overwrite: true);
            File.Move(path + Sidecars.Checksum, target + Sidecars.Checksum, overwrite: true);
            File.SetLastWriteTimeUtc(target + Sidecars.Checksum, Time.GetUtcNow().UtcDateTime);
        }
        catch (IOException error)
        {
            LogNotKept(error, version);
            ThrowAway(target);
            return true;
        }

        Add(new TrashedReplica(replica, Time.GetUtcNow()));
        return true;
    }

    /// <summary>The latest first, those too that are prepared to be brought back.</summary>
    /// <param name="name">Of this movie only; null: of all.</param>
    public IReadOnlyList<TrashedReplica> List(FileName? name, int most)
    {
        lock (_gate) return [.. _kept.Values.Concat(_lent.Values).Where(one => name is null || one.Replica.Name == name).OrderByDescending(one => one.RemovedAt).Take(most)];
    }

    /// <summary>Whether it is a prepared upload at present.</summary>
    public bool IsLent(MovieVersion version)
    {
        lock (_gate) return _lent.ContainsKey(version);
    }

    public TrashedReplica? Find(MovieVersion version)
    {
        lock (_gate) return _kept.GetValueOrDefault(version);
    }

    /// <summary>For the master's readings that began before it was deleted or overwritten; null: not kept.</summary>
    public ReplicaReader? OpenReader(MovieVersion version) => Find(version) is { } kept ? Open(kept) : null;

    /// <summary>Reads it whole: whoever brings it back is told that it is stored, so it must be good.</summary>
    public async Task<bool> ReadsWellAsync(TrashedReplica kept, CancellationToken cancellation)
    {
        using var reader = Open(kept);
        if (reader is null) return false;
        var buffer = new byte[4 * BlockFormat.BlockSize];
        for (var block = 0L; block * BlockFormat.BlockSize < kept.Replica.Size; block += 4)
        {
            var length = (int)Math.Min(buffer.Length, kept.Replica.Size - (block * BlockFormat.BlockSize));
            if ((await reader.ReadAsync(block, buffer.AsMemory(0, length), cancellation)).Fault != BlockFault.None) return false;
        }

        return true;
    }

    /// <summary>Moves bytes and block checksums to where uploads lie; false when they have gone meanwhile. They are still listed here, until <see cref="Taken"/> or <see cref="TryPutBack"/>.</summary>
    public bool TryTake(MovieVersion version, string path)
    {
        TrashedReplica? taken;
        lock (_gate)
        {
            if ((taken = Take(version)) is null) return false;
            _lent[version] = taken;
        }

        var kept = PathOf(version);
        try
        {
            File.Move(kept + Sidecars.Blocks, path + Sidecars.Blocks, overwrite: true);
            File.Move(kept, path, overwrite: true);
            return true;
        }
        catch
        {
            lock (_gate)
            {
                _lent.Remove(version);
                Add(taken);
            }

            if (File.Exists(path + Sidecars.Blocks)) File.Move(path + Sidecars.Blocks, kept + Sidecars.Blocks, overwrite: true);
            throw;
        }
    }

    /// <summary>They are a replica now. What described them here goes; after a crash, with the next start.</summary>
    public void Taken(MovieVersion version)
    {
        lock (_gate)
        {
            if (!_lent.Remove(version)) return;
        }

        try
        {
            _trash.Throw(PathOf(version) + Sidecars.Checksum);
        }
        catch (IOException)
        {
            // The disk went away in this moment: with the next start, then.
        }
    }

    /// <summary>Nothing came of it: they are kept for another time. False: they are not from here, or are gone.</summary>
    /// <exception cref="IOException">They cannot be moved back now. They are lent as before, and the next call goes on with it.</exception>
    public bool TryPutBack(MovieVersion version, string path)
    {
        TrashedReplica? lent;
        lock (_gate)
        {
            if (!_lent.Remove(version, out lent)) return false;
        }

        try
        {
            PutBack(lent, path);
            return true;
        }
        catch (FileNotFoundException error) when (!File.Exists(path) && Directory.Exists(Path.GetDirectoryName(path)) && Directory.Exists(_directory.Kept))
        {
            LogNotKept(error, version);
            ThrowAway(PathOf(version));
            return false;
        }
        catch
        {
            lock (_gate) _lent[version] = lent;
            throw;
        }
    }

    private void PutBack(TrashedReplica kept, string path)
    {
        var target = PathOf(kept.Replica.Version);
        // Not there: an attempt before this one, or an earlier life, came that far.
        if (File.Exists(path + Sidecars.Blocks)) File.Move(path + Sidecars.Blocks, target + Sidecars.Blocks, overwrite: true);
        File.Move(path, target, overwrite: true);
        Add(kept);
    }

    /// <summary>Somebody needs this room: the oldest go, at once. One that cannot be removed stays, and the next goes.</summary>
    /// <exception cref="Exception">There is less room than that, since something could not be removed.</exception>
    public void MakeRoom(long bytes)
    {
        ExceptionDispatchInfo? failure = null;
        List<TrashedReplica> oldest;
        lock (_gate) oldest = [.. _kept.Values.OrderBy(one => one.RemovedAt)];
        foreach (var one in oldest)
        {
            if (bytes <= 0) return;
            // Out of memory first: whoever has taken it out is the only one who touches its files.
            if (Take(one.Replica.Version) is not { } taken) continue;
            try
            {
                File.Delete(PathOf(taken.Replica.Version));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                LogStays(error, taken.Replica.Version);
                Add(taken);
                failure = ExceptionDispatchInfo.Capture(error);
                // The disk is away, with all of them.
                if (error is DirectoryNotFoundException) break;
                continue;
            }

            try
            {
                foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Checksum }) File.Delete(PathOf(taken.Replica.Version) + ending);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The bytes are gone; what described them the next start throws away.
            }

            bytes -= taken.Replica.Size;
            LogGaveWay(taken.Replica.Version);
        }

        if (bytes > 0) failure?.Throw();
    }

    protected override Task RunAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        var before = now - _retention;
        SetBack(now);
        List<MovieVersion> over;
        lock (_gate) over = [.. _kept.Values.Where(one => one.RemovedAt <= before).Select(one => one.Replica.Version)];
        foreach (var version in over)
        {
            if (Take(version) is not { } taken) continue;
            try
            {
                ThrowAway(PathOf(version));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Its room is still taken, and the next look tries again.
                LogStays(error, version);
                Add(taken);
                // The disk is away, with all of them.
                if (error is DirectoryNotFoundException) break;
            }
        }

        return Task.CompletedTask;
    }

    // No replica of the inventory has generation 0: what is found about these bytes is held against none.
    private ReplicaReader? Open(TrashedReplica kept) =>
        ReplicaReader.Open(PathOf(kept.Replica.Version), new HeldReplica(new ReplicaReport(kept.Replica, Damaged: false, Verified: false), 0));

    /// <summary>What was removed in the future was removed by a clock that has been set back since: it stays no longer for that.</summary>
    private void SetBack(DateTimeOffset now)
    {
        lock (_gate)
        {
            foreach (var one in _kept.Values.Where(one => one.RemovedAt > now).ToList())
            {
                _kept[one.Replica.Version] = one with { RemovedAt = now };
                File.SetLastWriteTimeUtc(PathOf(one.Replica.Version) + Sidecars.Checksum, now.UtcDateTime);
            }
        }
    }

    private static TimeSpan Period(TimeSpan retention) =>
        TimeSpan.FromSeconds(Math.Clamp(retention.TotalSeconds / 10, 0.1, 60));

    private string PathOf(MovieVersion version) => Path.Combine(_directory.Kept, version.Number.ToString(CultureInfo.InvariantCulture));

    private void ThrowAway(string path)
    {
        foreach (var ending in new[] { "", Sidecars.Blocks, Sidecars.Checksum }) _trash.Throw(path + ending);
    }

    private void Add(TrashedReplica kept)
    {
        lock (_gate)
        {
            if (_kept.TryAdd(kept.Replica.Version, kept)) _bytes += kept.Replica.Size;
        }
    }

    private TrashedReplica? Take(MovieVersion version)
    {
        lock (_gate)
        {
            if (!_kept.Remove(version, out var kept)) return null;
            _bytes -= kept.Replica.Size;
            return kept;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "What is kept in the trash as '{Name}' could not be looked at, and is left alone until the next start.")]
    private partial void LogNotLoaded(Exception error, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Version {Version} could not be kept in the trash; it is removed at once.")]
    private partial void LogNotKept(Exception error, MovieVersion version);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Version {Version} could not be removed from the trash and keeps its room until the next attempt.")]
    private partial void LogStays(Exception error, MovieVersion version);

    [LoggerMessage(Level = LogLevel.Information, Message = "Version {Version} left the trash early, since its room is needed.")]
    private partial void LogGaveWay(MovieVersion version);
}
