using System.Globalization;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Support;

/// <summary>What a worker says, word for word, without a worker: for what a sound one never says, or only after weeks.</summary>
internal sealed class SpeakingNode(int number, string life = "first")
{
    private readonly Dictionary<MovieVersion, ReplicaReport> _held = [];
    private long _number;

    public NodeId Id { get; init; } = NodeId.Parse(number.ToString("x32", CultureInfo.InvariantCulture));

    public string Life { get; } = life;

    public string Address { get; init; } = $"http://127.0.0.1:{number}";

    public string? Name { get; init; }

    public string? ClusterId { get; set; }

    public long Epoch { get; set; }

    public double ClusterAge { get; set; }

    public double SettledAge { get; set; }

    public long AppliedReply { get; set; }

    public static ReplicaReport Sealed(string name, long version, string cluster, long size = 1000, uint checksum = 7, bool verified = true) => new(
        new ReplicaDescription(FileName.Parse(name), new MovieVersion(version), size, new Checksum(checksum), DateTimeOffset.UnixEpoch, UploadId.New(), cluster), Damaged: false, verified);

    /// <summary>The next number of this life, for what it says beside its beats.</summary>
    public long Draw() => ++_number;

    public void Hold(params IEnumerable<ReplicaReport> reports)
    {
        foreach (var report in reports) _held[report.Replica.Version] = report;
    }

    public Beat Beat(params IReadOnlyList<ReplicaReport> changed)
    {
        Hold(changed);
        return new Beat
        {
            Node = Id,
            Life = Life,
            Number = ++_number,
            Nonce = "n",
            ClusterId = ClusterId,
            Epoch = Epoch,
            ClusterAge = ClusterAge,
            SettledAge = SettledAge,
            Name = Name,
            Address = Address,
            Space = new NodeSpace(1L << 40, 1L << 40, 0, 0),
            Changed = changed,
            ReplicaCount = _held.Count,
            ReplicaDigest = _held.Values.Aggregate(0UL, (digest, report) => digest ^ InventoryDigest.Of(report)),
            AppliedReply = AppliedReply,
        };
    }

    /// <summary>Everything it holds, on one page.</summary>
    public InventoryPage Inventory(params IReadOnlyList<Tombstone> tombstones) => new(Id, Life, ++_number, 0, true, [.. _held.Values], tombstones);

    /// <summary>Does what a sound worker does with a reply, deletions excepted.</summary>
    public BeatReply Hear(BeatReply reply)
    {
        if (reply.Refused is not null) return reply;
        Epoch = Math.Max(Epoch, reply.Epoch);
        if (reply.ClusterId.Length > 0) ClusterId ??= reply.ClusterId;
        AppliedReply = reply.Number;
        ClusterAge = Math.Max(ClusterAge, reply.ClusterAge);
        if (reply.Settled) SettledAge = reply.ClusterAge;
        return reply;
    }
}
