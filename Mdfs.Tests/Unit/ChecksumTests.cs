using System.IO.Hashing;
using Mdfs.Protocol.Checksums;

namespace Mdfs.Tests.Unit;

/// <summary>The checksum with wide multiplications is the one of everybody else, whatever the length and however the bytes come.</summary>
public sealed class ChecksumTests
{
    private static readonly byte[] _bytes = Bytes(200_000);

    [Fact]
    public void The_known_answers_are_given()
    {
        Assert.Equal("cbf43926", Checksum.Of("123456789"u8).ToString());
        Assert.Equal("00000000", Checksum.Of([]).ToString());
        Assert.Equal("190a55ad", Checksum.Of(new byte[32]).ToString());
    }

    [Fact]
    public void Every_length_agrees_with_the_library()
    {
        // All remainders of every width that is folded by, from every alignment within a vector.
        for (var length = 0; length < 1200; length++)
        {
            var bytes = _bytes.AsSpan(length % 67, length);
            Assert.Equal(Crc32.HashToUInt32(bytes), Checksum.Of(bytes).Value);
        }

        foreach (var length in (int[])[4095, 4096, 65_535, 65_536, 65_537, 131_072, 199_999]) Assert.Equal(Crc32.HashToUInt32(_bytes.AsSpan(0, length)), Checksum.Of(_bytes.AsSpan(0, length)).Value);
    }

    [Fact]
    public void Every_width_agrees_with_the_library_also_where_the_processor_has_a_wider_one()
    {
        Assert.SkipUnless(WideChecksum.Bytes32.IsSupported, "This processor multiplies nothing wider than 16 bytes.");
        for (var length = WideChecksum.By<WideChecksum.Bytes32>.Stride; length < 1200; length++)
        {
            var before = length % 67;
            var bytes = _bytes.AsSpan(before, length);
            var (sofar, whole) = (Crc32.HashToUInt32(_bytes.AsSpan(0, before)), Crc32.HashToUInt32(_bytes.AsSpan(0, before + length)));
            Assert.Equal((Crc32.HashToUInt32(bytes), whole), (WideChecksum.By<WideChecksum.Bytes32>.Of(bytes, 0), WideChecksum.By<WideChecksum.Bytes32>.Of(bytes, sofar)));
            if (WideChecksum.Bytes64.IsSupported && length >= WideChecksum.By<WideChecksum.Bytes64>.Stride) Assert.Equal((Crc32.HashToUInt32(bytes), whole), (WideChecksum.By<WideChecksum.Bytes64>.Of(bytes, 0), WideChecksum.By<WideChecksum.Bytes64>.Of(bytes, sofar)));
        }
    }

    [Fact]
    public void Pieces_agree_with_the_whole()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var running = new RunningChecksum();
            var length = random.Next(_bytes.Length);
            for (var at = 0; at < length;)
            {
                var piece = Math.Min(length - at, random.Next(4) switch { 0 => random.Next(4), 1 => random.Next(300), 2 => random.Next(5000), _ => random.Next(80_000) });
                running.Append(_bytes.AsSpan(at, piece));
                at += piece;
            }

            Assert.Equal(Crc32.HashToUInt32(_bytes.AsSpan(0, length)), running.Current.Value);
        }
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_noticed()
    {
        var block = _bytes[..65_536];
        var good = Checksum.Of(block);
        for (var bit = 0; bit < block.Length * 8; bit += 97)
        {
            block[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(good, Checksum.Of(block));
            block[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
