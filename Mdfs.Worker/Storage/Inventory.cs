using System.Diagnostics.CodeAnalysis;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>A replica in memory. Every time its files are replaced it gets a new generation, so that a reader of the old ones condemns only those.</summary>
internal readonly record struct HeldReplica(ReplicaReport Report, long Generation);

/// <summary>An upload whose bytes are complete and fsynced.</summary>
/// <param name="ClusterAge">In seconds, as heard when it became complete.</param>
internal sealed record UploadReceipt(UploadId Upload, long Size, Checksum Checksum, double ClusterAge);

/// <summary>What has changed and what there is, at one moment; the number was drawn in that moment.</summary>
internal sealed record BeatFacts(
    long Number,
    IReadOnlyList<ReplicaReport> Changed,
    IReadOnlyList<MovieVersion> Removed,
    IReadOnlyList<UploadReceipt> Prepared,
    IReadOnlyList<PullFailure> FailedPulls,
    long Count,
    ulong Digest,
    MovieVersion Highest);

/// <summary>Everything a node holds, at one moment.</summary>
internal sealed record InventoryFacts(long Number, IReadOnlyList<ReplicaReport> Replicas, IReadOnlyList<Tombstone> Tombstones);

/// <summary>
/// What is on the disk, in memory, and what of it the master has not yet acknowledged. All under one lock, under which the numbers are drawn
/// that order what this node says (design, section 6). The disk always changes first.
/// </summary>
internal sealed class Inventory
{
    /// <summary>Above this many unacknowledged changes a beat names none: the digest disagrees, and the master asks for the pages.</summary>
    public const int MostChanges = 5000;

    private readonly Lock _state = new();
    private readonly Dictionary<MovieVersion, HeldReplica> _replicas = [];
    private readonly Dictionary<FileName, MovieVersion[]> _names = [];
    private readonly Dictionary<UploadId, UploadReceipt> _prepared = [];
    private readonly Dictionary<FileName, Tombstone> _tombstones = [];

    // For each change the number that had been drawn last: every higher number speaks of it.
    private readonly Dictionary<MovieVersion, long> _unacknowledged = [];
    private readonly List<(long Number, PullFailure Failure)> _failures = [];
    private long _number;
    private long _generation;
    private long _bytes;
    private ulong _digest;
    private MovieVersion _highest;

    public long Bytes
    {
        get { lock (_state) return _bytes; }
    }

    public long Count
    {
        get { lock (_state) return _replicas.Count; }
    }

    public int DamagedCount
    {
        get { lock (_state) return _replicas.Values.Count(held => held.Report.Damaged); }
    }

    public MovieVersion Highest
    {
        get { lock (_state) return _highest; }
    }

    public bool TryGet(MovieVersion version, out HeldReplica held)
    {
        lock (_state) return _replicas.TryGetValue(version, out held);
    }

    /// <summary>Every sealed version of a name, lowest first.</summary>
    public IReadOnlyList<MovieVersion> VersionsOf(FileName name)
    {
        lock (_state) return _names.GetValueOrDefault(name) ?? [];
    }

    /// <summary>Every sealed version, lowest first.</summary>
    public IReadOnlyList<MovieVersion> Versions()
    {
        lock (_state) return [.. _replicas.Keys.Order()];
    }

    /// <summary>The replica of the lowest version that is not below this one; null: none.</summary>
    public ReplicaDescription? FirstFrom(MovieVersion version)
    {
        lock (_state)
        {
            ReplicaDescription? first = null;
            foreach (var (one, held) in _replicas)
            {
                if (one >= version && (first is null || one < first.Version)) first = held.Report.Replica;
            }

            return first;
        }
    }

    /// <summary>Found on disk at start: nothing to be announced, since the first inventory of a life brings everything.</summary>
    public void Load(ReplicaReport report)
    {
        lock (_state) Place(report);
    }

    /// <summary>A replica appeared, or its files were replaced by good ones.</summary>
    /// <returns>The number under which the receipt speaks of it.</returns>
    public long Put(ReplicaReport report)
    {
        lock (_state)
        {
            Place(report);
            Announce(report.Replica.Version);
            return ++_number;
        }
    }

    /// <summary>What was prepared is sealed from now on. In one step: a beat in between that tells of neither would let a master believe that the committed bytes are gone.</summary>
    /// <returns>The number under which the receipt speaks of it.</returns>
    public long Seal(UploadId upload, ReplicaReport report)
    {
        lock (_state)
        {
            _prepared.Remove(upload);
            return Put(report);
        }
    }

    /// <summary>Draws a number for a receipt about what is already here.</summary>
    public (long Number, ReplicaReport? Report) Draw(MovieVersion version)
    {
        lock (_state) return (++_number, _replicas.TryGetValue(version, out var held) ? held.Report : null);
    }

    public long Draw()
    {
        lock (_state) return ++_number;
    }

    /// <returns>Whether it was there.</returns>
    public bool Remove(MovieVersion version)
    {
        lock (_state)
        {
            if (!Displace(version)) return false;
            Announce(version);
            return true;
        }
    }

    /// <summary>Notes what reading a replica found; false when its files have changed since, or it is gone, or this was known.</summary>
    public bool Mark(MovieVersion version, long generation, bool damaged, bool verified)
    {
        lock (_state)
        {
            if (!_replicas.TryGetValue(version, out var held) || held.Generation != generation) return false;
            if (held.Report.Damaged == damaged && held.Report.Verified == verified) return false;
            var report = held.Report with { Damaged = damaged, Verified = verified };
            _digest ^= InventoryDigest.Of(held.Report) ^ InventoryDigest.Of(report);
            _replicas[version] = held with { Report = report };
            Announce(version);
            return true;
        }
    }

    /// <summary>Reports a replica again, for a master that asked for what is already here.</summary>
    public void Repeat(MovieVersion version)
    {
        lock (_state) Announce(version);
    }

    public void LoadPrepared(UploadReceipt receipt)
    {
        lock (_state) _prepared[receipt.Upload] = receipt;
    }

    public long AddPrepared(UploadReceipt receipt)
    {
        lock (_state)
        {
            _prepared[receipt.Upload] = receipt;
            return ++_number;
        }
    }

    public bool TryGetPrepared(UploadId upload, [NotNullWhen(true)] out UploadReceipt? receipt)
    {
        lock (_state) return _prepared.TryGetValue(upload, out receipt);
    }

    public void RemovePrepared(UploadId upload)
    {
        lock (_state) _prepared.Remove(upload);
    }

    /// <summary>Takes over what the log holds now.</summary>
    public void SetTombstones(IEnumerable<Tombstone> live)
    {
        lock (_state)
        {
            _tombstones.Clear();
            foreach (var tombstone in live)
            {
                _tombstones[tombstone.Name] = tombstone;
                _highest = MovieVersion.Max(_highest, tombstone.Bound);
            }
        }
    }

    public void AddTombstone(Tombstone tombstone)
    {
        lock (_state)
        {
            _highest = MovieVersion.Max(_highest, tombstone.Bound);
            if (!_tombstones.TryGetValue(tombstone.Name, out var known) || known.Bound < tombstone.Bound) _tombstones[tombstone.Name] = tombstone;
        }
    }

    public bool IsDeleted(FileName name, MovieVersion version)
    {
        lock (_state) return _tombstones.TryGetValue(name, out var tombstone) && tombstone.Covers(version);
    }

    public void Failed(PullFailure failure)
    {
        lock (_state)
        {
            _failures.RemoveAll(known => known.Failure.Version == failure.Version);
            _failures.Add((_number, failure));
        }
    }

    public BeatFacts Beat()
    {
        lock (_state)
        {
            var changed = new List<ReplicaReport>();
            var removed = new List<MovieVersion>();
            if (_unacknowledged.Count <= MostChanges)
            {
                foreach (var version in _unacknowledged.Keys)
                {
                    if (_replicas.TryGetValue(version, out var held)) changed.Add(held.Report);
                    else removed.Add(version);
                }
            }

            return new BeatFacts(
                ++_number, changed, removed, [.. _prepared.Values], [.. _failures.Select(failure => failure.Failure)], _replicas.Count, _digest, _highest);
        }
    }

    /// <summary>The master knows every change that a beat up to this number spoke of.</summary>
    public void Acknowledge(long number)
    {
        lock (_state)
        {
            foreach (var (version, before) in _unacknowledged)
            {
                if (before < number) _unacknowledged.Remove(version);
            }

            _failures.RemoveAll(failure => failure.Number < number);
        }
    }

    public InventoryFacts Whole()
    {
        lock (_state) return new InventoryFacts(++_number, [.. _replicas.Values.Select(held => held.Report)], [.. _tombstones.Values]);
    }

    /// <summary>Versions that a tombstone covers and that are still here.</summary>
    public IReadOnlyList<MovieVersion> Covered(Tombstone tombstone) => [.. VersionsOf(tombstone.Name).Where(tombstone.Covers)];

    private void Place(ReplicaReport report)
    {
        var version = report.Replica.Version;
        Displace(version);
        _replicas[version] = new HeldReplica(report, ++_generation);
        _digest ^= InventoryDigest.Of(report);
        _bytes += report.Replica.Size;
        _highest = MovieVersion.Max(_highest, version);
        var others = _names.GetValueOrDefault(report.Replica.Name) ?? [];
        var higher = ~Array.BinarySearch(others, version);
        _names[report.Replica.Name] = [.. others.AsSpan(0, higher), version, .. others.AsSpan(higher)];
    }

    private bool Displace(MovieVersion version)
    {
        if (!_replicas.Remove(version, out var held)) return false;
        var name = held.Report.Replica.Name;
        _digest ^= InventoryDigest.Of(held.Report);
        _bytes -= held.Report.Replica.Size;
        var others = _names[name].Where(other => other != version).ToArray();
        if (others.Length > 0) _names[name] = others;
        else _names.Remove(name);
        return true;
    }

    private void Announce(MovieVersion version) => _unacknowledged[version] = _number;
}
