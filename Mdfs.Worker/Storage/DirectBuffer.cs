using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mdfs.Worker.Storage;

/// <summary>Memory for <see cref="DirectFile"/>: aligned, never moved, and a bounded number for the whole process, whatever arrives at the same time.</summary>
internal sealed class DirectBuffer : IDisposable
{
    /// <summary>Bytes of one. A write of 256 KiB costs twice as much per byte, one of 4 MiB hardly less.</summary>
    public const int Size = 1 << 20;

    // Whoever gets none goes through the system's cache, which is dearer and as good.
    private const int MostRented = 24;
    private const int MostIdle = 6;

    private static readonly Lock Gate = new();
    private static readonly Stack<byte[]> Idle = new();
    private static int _rented;

    private byte[]? _array;

    private DirectBuffer(byte[] array)
    {
        _array = array;
        Memory = array.AsMemory(Offset(array), Size);
    }

    public Memory<byte> Memory { get; }

    /// <summary>Null: too many are out.</summary>
    public static DirectBuffer? TryRent()
    {
        byte[]? array;
        lock (Gate)
        {
            if (_rented == MostRented) return null;
            _rented++;
            Idle.TryPop(out array);
        }

        return new DirectBuffer(array ?? GC.AllocateUninitializedArray<byte>(Size + DirectFile.Alignment, pinned: true));
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _array, null) is not { } array) return;
        lock (Gate)
        {
            _rented--;
            if (Idle.Count < MostIdle) Idle.Push(array);
        }
    }

    private static unsafe int Offset(byte[] array)
    {
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        return (int)((DirectFile.Alignment - (address % DirectFile.Alignment)) % DirectFile.Alignment);
    }
}
