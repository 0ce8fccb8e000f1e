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

    // Bytes that are fewer than the widest register has.
    private const int MostLeft = 64;

    private static readonly Vector128<ulong> _byLane = Ahead(Lane);

    /// <param name="sofar">The CRC-32 of what came before; 0: nothing did.</param>
    public static uint Of(ReadOnlySpan<byte> bytes, uint sofar = 0) =>
        Bytes64.IsSupported && bytes.Length >= By<Bytes64>.Stride ? By<Bytes64>.Of(bytes, sofar)
        : Bytes32.IsSupported && bytes.Length >= By<Bytes32>.Stride ? By<Bytes32>.Of(bytes, sofar)
        : ByLibrary(bytes, sofar);

    /// <summary>A register of several lanes, which are multiplied at once.</summary>
    internal interface IRegister<TSelf>
        where TSelf : struct, IRegister<TSelf>
    {
        /// <summary>Whether this processor has them.</summary>
        static abstract bool IsSupported { get; }

        /// <summary>Bytes.</summary>
        static abstract int Width { get; }

        static abstract TSelf Load(ref byte start, int at);

        /// <summary>These bits at the beginning, and nothing else.</summary>
        static abstract TSelf First(uint bits);

        static abstract TSelf Everywhere(Vector128<ulong> lane);

        static abstract TSelf Fold(TSelf what, TSelf by);

        static abstract TSelf operator ^(TSelf left, TSelf right);

        /// <summary>All lanes folded into the last.</summary>
        Vector128<ulong> Join();
    }

    /// <summary>Four registers in turn.</summary>
    internal static class By<T>
        where T : struct, IRegister<T>
    {
        private static readonly T _byStride = T.Everywhere(Ahead(Stride));
        private static readonly T _byWidth = T.Everywhere(Ahead(T.Width));

        public static int Stride => 4 * T.Width;

        /// <param name="bytes">At least <see cref="Stride"/>.</param>
        public static uint Of(ReadOnlySpan<byte> bytes, uint sofar)
        {
            ref var start = ref MemoryMarshal.GetReference(bytes);
            var a = T.Load(ref start, 0) ^ T.First(~sofar);
            var (b, c, d) = (T.Load(ref start, T.Width), T.Load(ref start, 2 * T.Width), T.Load(ref start, 3 * T.Width));
            var at = Stride;
            for (; at <= bytes.Length - Stride; at += Stride)
            {
                a = T.Fold(a, _byStride) ^ T.Load(ref start, at);
                b = T.Fold(b, _byStride) ^ T.Load(ref start, at + T.Width);
                c = T.Fold(c, _byStride) ^ T.Load(ref start, at + (2 * T.Width));
                d = T.Fold(d, _byStride) ^ T.Load(ref start, at + (3 * T.Width));
            }

            a = T.Fold(a, _byWidth) ^ b;
            a = T.Fold(a, _byWidth) ^ c;
            a = T.Fold(a, _byWidth) ^ d;
            for (; at <= bytes.Length - T.Width; at += T.Width) a = T.Fold(a, _byWidth) ^ T.Load(ref start, at);
            return End(a.Join(), bytes[at..]);
        }
    }

    internal readonly struct Bytes64(Vector512<ulong> value) : IRegister<Bytes64>
    {
        private readonly Vector512<ulong> _value = value;

        public static bool IsSupported => Avx512F.IsSupported && Pclmulqdq.V512.IsSupported;

        public static int Width => 64;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Bytes64 Load(ref byte start, int at) => new(Vector512.LoadUnsafe(ref start, (nuint)at).AsUInt64());

        public static Bytes64 First(uint bits) => new(Vector512.CreateScalar((ulong)bits));

        public static Bytes64 Everywhere(Vector128<ulong> lane) => new(Vector512.Create(Vector256.Create(lane, lane), Vector256.Create(lane, lane)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Bytes64 Fold(Bytes64 what, Bytes64 by) =>
            new(Pclmulqdq.V512.CarrylessMultiply(what._value, by._value, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(what._value, by._value, 0x11));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Bytes64 operator ^(Bytes64 left, Bytes64 right) => new(left._value ^ right._value);

        public Vector128<ulong> Join()
        {
            var lane = FoldLane(_value.GetLower().GetLower()) ^ _value.GetLower().GetUpper();
            lane = FoldLane(lane) ^ _value.GetUpper().GetLower();
            return FoldLane(lane) ^ _value.GetUpper().GetUpper();
        }
    }

    /// <summary>For processors that have no wider ones.</summary>
    internal readonly struct Bytes32(Vector256<ulong> value) : IRegister<Bytes32>
    {
        private readonly Vector256<ulong> _value = value;

        public static bool IsSupported => Avx2.IsSupported && Pclmulqdq.V256.IsSupported;

        public static int Width => 32;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Bytes32 Load(ref byte start, int at) => new(Vector256.LoadUnsafe(ref start, (nuint)at).AsUInt64());

        public static Bytes32 First(uint bits) => new(Vector256.CreateScalar((ulong)bits));

        public static Bytes32 Everywhere(Vector128<ulong> lane) => new(Vector256.Create(lane, lane));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Bytes32 Fold(Bytes32 what, Bytes32 by) =>
            new(Pclmulqdq.V256.CarrylessMultiply(what._value, by._value, 0x00) ^ Pclmulqdq.V256.CarrylessMultiply(what._value, by._value, 0x11));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Bytes32 operator ^(Bytes32 left, Bytes32 right) => new(left._value ^ right._value);

        public Vector128<ulong> Join() => FoldLane(_value.GetLower()) ^ _value.GetUpper();
    }

    // Sixteen bytes that leave the same remainder as all before them, and what follows. The register that the library begins with is taken out of them beforehand.
    private static uint End(Vector128<ulong> lane, ReadOnlySpan<byte> rest)
    {
        Span<byte> last = stackalloc byte[Lane + MostLeft];
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
