using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Storage;

namespace Mdfs.Tests.Unit;

/// <summary>A replica as a worker has it on its disk.</summary>
internal static class StoredReplica
{
    public static HeldReplica Of(byte[] movie, MovieVersion version) => new(
        new ReplicaReport(
            new ReplicaDescription(FileName.Parse("film.mp4"), version, movie.Length, Checksum.Of(movie), DateTimeOffset.UnixEpoch, UploadId.New(), "cluster"),
            Damaged: false, Verified: true),
        0);

    /// <summary>Its bytes and its checksums.</summary>
    public static void Write(string path, byte[] movie, HeldReplica held)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, movie);
        using var blocks = new BlockSidecarWriter(path + Sidecars.Blocks);
        blocks.Append(movie);
        Assert.Equal(held.Report.Replica.Checksum, blocks.Complete(held.Report.Replica));
    }
}
