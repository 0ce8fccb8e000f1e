using CsCheck;
using Mdfs.Protocol.Checksums;
using Mdfs.Worker.Storage;

namespace Mdfs.Tests.Unit;

public sealed class ChecksumJoinTests
{
    [Fact]
    public void Joining_the_checksums_of_two_parts_gives_the_checksum_of_the_whole() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Byte.Array[0, 300]).Sample((head, tail) =>
            ChecksumJoin.Append(Checksum.Of(head), Checksum.Of(tail), tail.Length) == Checksum.Of([.. head, .. tail]));

    [Fact]
    public void What_workers_keep_a_checksum_of_joins_like_any_other_length()
    {
        var bytes = new byte[3 * BlockFormat.PartSize];
        new Random(7).NextBytes(bytes);
        var joined = default(Checksum);
        for (var at = 0; at < bytes.Length; at += BlockFormat.PartSize)
            joined = ChecksumJoin.Append(joined, Checksum.Of(bytes.AsSpan(at, BlockFormat.PartSize)), BlockFormat.PartSize);
        Assert.Equal(Checksum.Of(bytes), joined);
    }
}
