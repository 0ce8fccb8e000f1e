using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Files;

/// <summary>JSON leaves out what it likes; nothing gets past this that would not make a whole sidecar.</summary>
internal static class Descriptions
{
    public static bool IsWhole(ReplicaDescription replica) =>
        replica.Name != default && replica.Version > MovieVersion.None && replica.Size >= 0 && replica.Upload != default && replica.ClusterId is { Length: > 0 and <= 128 };

    public static bool IsWhole(Tombstone tombstone) => tombstone.Name != default && tombstone.Bound > MovieVersion.None;
}
