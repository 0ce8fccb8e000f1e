using System.Security.Cryptography;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Replication;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Heartbeats;

/// <summary>Puts together what this node says of itself at one moment.</summary>
internal sealed class BeatBuilder(
    Inventory inventory, SpaceAccount space, NodeMemory memory, NodeLife life, PullDesk pulls, AppendStore appends, DamageDesk damage, DirectoryWatch watch, Scrubber scrubber, Quarantine quarantine, WorkerMetrics metrics, SelfPortrait self, TimeProvider time, IOptions<WorkerOptions> options)
{
    /// <param name="leaving">This life ends, and nothing more is heard of it.</param>
    public Beat Build(string address, long appliedReply, bool leaving)
    {
        // Space and pulls first: they only inform. The rest is drawn together with the number.
        var room = space.Measure();
        var facts = inventory.Beat();
        var known = memory.Facts;
        return new Beat
        {
            Node = memory.Id,
            Life = life.Value,
            Number = facts.Number,
            Protocol = WireVersion.Current,
            Leaving = leaving,
            LeavingFor = leaving ? options.Value.StopsFor.TotalSeconds : 0,
            Nonce = RandomNumberGenerator.GetHexString(32, lowercase: true),
            ClusterId = known.ClusterId,
            Epoch = known.Epoch,
            Clock = time.GetUtcNow().ToUnixTimeMilliseconds(),
            HighestVersion = MovieVersion.Max(facts.Highest, known.HighestVersion),
            ClusterAge = known.ClusterAge,
            SettledAge = known.SettledAge,
            Name = options.Value.Name,
            Address = address,
            PublicUrl = options.Value.PublicUrl?.TrimEnd('/'),
            Zone = options.Value.Zone,
            Space = room,
            Streams = metrics.Streams,
            About = self.Describe(),
            Draining = known.Draining,
            ClosedForWrites = watch.Trouble ?? damage.ClosedForWrites,
            Failed = watch.Trouble,
            Changed = facts.Changed,
            Removed = facts.Removed,
            Prepared = [.. facts.Prepared.Select(one => new PreparedReport(one.Upload, one.Size, one.Checksum, Math.Max(0, known.ClusterAge - one.ClusterAge)))],
            Unfinished = appends.Report(),
            Pulls = pulls.Progress(),
            FailedPulls = facts.FailedPulls,
            ReplicaCount = facts.Count,
            ReplicaDigest = facts.Digest,
            Scrub = scrubber.Report(),
            Quarantined = quarantine.Count,
            AppliedReply = appliedReply,
        };
    }
}
