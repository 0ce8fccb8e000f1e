using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdfs.Protocol.Checksums;

/// <summary>
/// CRC-32 with the widest multiplications that the processor has. Every byte of a movie is checked each time it is read, and <see cref="Crc32"/> looks at 16 bytes at a time where many processors look at 64: it takes
/// two to three times as long (docs/performance.md). What is shorter, and every other processor, is its work still. Folding is as Intel describes it: "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
/// Instruction" (2009).
/// </summary>
internal static class WideChecksum
{
    private const int Width = 64;
    private const int Stride = 4 * Width;
    private const int Lane = 16;

    private static readonly Vector512<ulong> _byStride = Everywhere(Ahead(Stride));
    private static readonly Vector512<ulong> _byWidth = Everywhere(Ahead(Width));
    private static readonly Vector128<ulong> _byLane = Ahead(Lane);

    /// <summary>Whether this processor has them.</summary>
    public static bool IsSupported => Avx512F.IsSupported && Pclmulqdq.V512.IsSupported;

    /// <param name="sofar">The CRC-32 of what came before; 0: nothing did.</param>
    public static uint Of(ReadOnlySpan<byte> bytes, uint sofar = 0)
    {
        if (!IsSupported || bytes.Length < Stride) return ByLibrary(bytes, sofar);
        ref var start = ref MemoryMarshal.GetReference(bytes);
        var a = Load(ref start, 0) ^ Vector512.CreateScalar((ulong)~sofar);
        var (b, c, d) = (Load(ref start, Width), Load(ref start, 2 * Width), Load(ref start, 3 * Width));
        var at = Stride;
        for (; at <= bytes.Length - Stride; at += Stride)
        {
            a = Fold(a, _byStride) ^ Load(ref start, at);
            b = Fold(b, _byStride) ^ Load(ref start, at + Width);
            c = Fold(c, _byStride) ^ Load(ref start, at + (2 * Width));
            d = Fold(d, _byStride) ^ Load(ref start, at + (3 * Width));
        }

        a = Fold(a, _byWidth) ^ b;
        a = Fold(a, _byWidth) ^ c;
        a = Fold(a, _byWidth) ^ d;
        for (; at <= bytes.Length - Width; at += Width) a = Fold(a, _byWidth) ^ Load(ref start, at);

        var lane = Fold(a.GetLower().GetLower()) ^ a.GetLower().GetUpper();
        lane = Fold(lane) ^ a.GetUpper().GetLower();
        lane = Fold(lane) ^ a.GetUpper().GetUpper();
        // Sixteen bytes that leave the same remainder as all before them, and what follows. The register that the library begins with is taken out of them beforehand.
        Span<byte> last = stackalloc byte[Lane + Width];
        (lane ^ Vector128.CreateScalar((ulong)uint.MaxValue)).AsByte().CopyTo(last);
        bytes[at..].CopyTo(last[Lane..]);
        return Crc32.HashToUInt32(last[..(Lane + bytes.Length - at)]);
    }

    private static uint ByLibrary(ReadOnlySpan<byte> bytes, uint sofar)
    {
        if (sofar == 0) return Crc32.HashToUInt32(bytes);
        if (bytes.Length < sizeof(uint)) return ChecksumJoin.Append(new Checksum(sofar), new Checksum(Crc32.HashToUInt32(bytes)), bytes.Length).Value;
        // To begin with another register is to begin with other bytes: the library's is all ones, the other one the complement of what it came to.
        Span<byte> head = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(head, BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ sofar);
        var crc = new Crc32();
        crc.Append(head);
        crc.Append(bytes[sizeof(uint)..]);
        return crc.GetCurrentHashAsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Load(ref byte start, int at) => Vector512.LoadUnsafe(ref start, (nuint)at).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Fold(Vector512<ulong> what, Vector512<ulong> by) =>
        Pclmulqdq.V512.CarrylessMultiply(what, by, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(what, by, 0x11);

    private static Vector128<ulong> Fold(Vector128<ulong> what) =>
        Pclmulqdq.CarrylessMultiply(what, _byLane, 0x00) ^ Pclmulqdq.CarrylessMultiply(what, _byLane, 0x11);

    private static Vector512<ulong> Everywhere(Vector128<ulong> lane) => Vector512.Create(Vector256.Create(lane, lane), Vector256.Create(lane, lane));

    // What moves sixteen bytes so many bytes ahead: one factor for each half, a bit further as a product of two that are read backwards is.
    private static Vector128<ulong> Ahead(int bytes) => Vector128.Create((ulong)ChecksumJoin.Shift(bytes + 4) << 1, (ulong)ChecksumJoin.Shift(bytes - 4) << 1);
}
