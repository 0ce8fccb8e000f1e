using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mdfs.Protocol.Checksums;

/// <summary>
/// CRC-32 with the widest multiplications that the processor has. Every byte of a movie is checked each time it is read, and <see cref="Crc32"/> looks at 16 bytes at a time where many processors look at 64, and most others at 32: it takes
/// two to three times as long (docs/performance.md). What is shorter, and every other processor, is its work still. Folding is as Intel describes it: "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
/// Instruction" (2009).
/// </summary>
internal static class WideChecksum
{
    private const int Lane = 16;

    // What leaves the same remainder as all before it and the tail behind it, before the library ends it.
    private const int MostLeft = Lane + By64.Width;

    private static readonly Vector128<ulong> _byLane = Ahead(Lane);

    /// <param name="sofar">The CRC-32 of what came before; 0: nothing did.</param>
    public static uint Of(ReadOnlySpan<byte> bytes, uint sofar = 0) =>
        By64.IsSupported && bytes.Length >= By64.Stride ? By64.Of(bytes, sofar)
        : By32.IsSupported && bytes.Length >= By32.Stride ? By32.Of(bytes, sofar)
        : ByLibrary(bytes, sofar);

    /// <summary>Four registers of 64 bytes in turn.</summary>
    internal static class By64
    {
        public const int Width = 64;
        public const int Stride = 4 * Width;

        private static readonly Vector512<ulong> _byStride = Everywhere(Ahead(Stride));
        private static readonly Vector512<ulong> _byWidth = Everywhere(Ahead(Width));

        public static bool IsSupported => Avx512F.IsSupported && Pclmulqdq.V512.IsSupported;

        /// <param name="bytes">At least <see cref="Stride"/>.</param>
        public static uint Of(ReadOnlySpan<byte> bytes, uint sofar)
        {
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

            var lane = FoldLane(a.GetLower().GetLower()) ^ a.GetLower().GetUpper();
            lane = FoldLane(lane) ^ a.GetUpper().GetLower();
            lane = FoldLane(lane) ^ a.GetUpper().GetUpper();
            return End(lane, bytes[at..]);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<ulong> Load(ref byte start, int at) => Vector512.LoadUnsafe(ref start, (nuint)at).AsUInt64();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<ulong> Fold(Vector512<ulong> what, Vector512<ulong> by) =>
            Pclmulqdq.V512.CarrylessMultiply(what, by, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(what, by, 0x11);

        private static Vector512<ulong> Everywhere(Vector128<ulong> lane) => Vector512.Create(Vector256.Create(lane, lane), Vector256.Create(lane, lane));
    }

    /// <summary>Four registers of 32 bytes in turn, for processors that have no wider ones.</summary>
    internal static class By32
    {
        public const int Width = 32;
        public const int Stride = 4 * Width;

        private static readonly Vector256<ulong> _byStride = Everywhere(Ahead(Stride));
        private static readonly Vector256<ulong> _byWidth = Everywhere(Ahead(Width));

        public static bool IsSupported => Avx2.IsSupported && Pclmulqdq.V256.IsSupported;

        /// <param name="bytes">At least <see cref="Stride"/>.</param>
        public static uint Of(ReadOnlySpan<byte> bytes, uint sofar)
        {
            ref var start = ref MemoryMarshal.GetReference(bytes);
            var a = Load(ref start, 0) ^ Vector256.CreateScalar((ulong)~sofar);
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
            return End(FoldLane(a.GetLower()) ^ a.GetUpper(), bytes[at..]);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<ulong> Load(ref byte start, int at) => Vector256.LoadUnsafe(ref start, (nuint)at).AsUInt64();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<ulong> Fold(Vector256<ulong> what, Vector256<ulong> by) =>
            Pclmulqdq.V256.CarrylessMultiply(what, by, 0x00) ^ Pclmulqdq.V256.CarrylessMultiply(what, by, 0x11);

        private static Vector256<ulong> Everywhere(Vector128<ulong> lane) => Vector256.Create(lane, lane);
    }

    // Sixteen bytes that leave the same remainder as all before them, and what follows. The register that the library begins with is taken out of them beforehand.
    private static uint End(Vector128<ulong> lane, ReadOnlySpan<byte> rest)
    {
        Span<byte> last = stackalloc byte[MostLeft];
        (lane ^ Vector128.CreateScalar((ulong)uint.MaxValue)).AsByte().CopyTo(last);
        rest.CopyTo(last[Lane..]);
        return Crc32.HashToUInt32(last[..(Lane + rest.Length)]);
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

    private static Vector128<ulong> FoldLane(Vector128<ulong> what) =>
        Pclmulqdq.CarrylessMultiply(what, _byLane, 0x00) ^ Pclmulqdq.CarrylessMultiply(what, _byLane, 0x11);

    // What moves sixteen bytes so many bytes ahead: one factor for each half, a bit further as a product of two that are read backwards is.
    private static Vector128<ulong> Ahead(int bytes) => Vector128.Create((ulong)ChecksumJoin.Shift(bytes + 4) << 1, (ulong)ChecksumJoin.Shift(bytes - 4) << 1);
}
