using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>What a node has for <see cref="DirectFile"/>: whether its operator wants that way at all, and memory for it, a bounded number of pieces whatever arrives at the same time.</summary>
internal sealed class DirectBuffers(IOptions<WorkerOptions> options)
{
    // Whoever gets none goes through the system's cache, which is dearer and as good.
    private const int MostRented = 24;
    private const int MostIdle = 6;

    private readonly Lock _gate = new();
    private readonly Stack<byte[]> _idle = new();
    private int _rented;
    private volatile int _reopened = -1;

    /// <summary>Whether the last file that was to be opened that way was; null: none was yet.</summary>
    public bool? Works => _reopened < 0 ? null : _reopened > 0;

    /// <summary>Another handle for a file that is open; null: through the cache, then.</summary>
    public SafeFileHandle? TryReopen(SafeFileHandle file, bool write)
    {
        var handle = options.Value.DirectIo ? DirectFile.TryReopen(file, write) : null;
        _reopened = handle is null ? 0 : 1;
        return handle;
    }

    /// <summary>Null: too many are out.</summary>
    public DirectBuffer? TryRent()
    {
        byte[]? array;
        lock (_gate)
        {
            if (_rented == MostRented) return null;
            _rented++;
            _idle.TryPop(out array);
        }

        return new DirectBuffer(this, array ?? GC.AllocateUninitializedArray<byte>(DirectBuffer.Size + DirectFile.Alignment, pinned: true));
    }

    public void Return(byte[] array)
    {
        lock (_gate)
        {
            _rented--;
            if (_idle.Count < MostIdle) _idle.Push(array);
        }
    }
}

/// <summary>Memory for <see cref="DirectFile"/>: aligned, and never moved.</summary>
internal sealed class DirectBuffer(DirectBuffers owner, byte[] array) : IDisposable
{
    /// <summary>Bytes of one. A write of 256 KiB costs twice as much per byte, one of 4 MiB hardly less.</summary>
    public const int Size = 1 << 20;

    private byte[]? _array = array;

    public Memory<byte> Memory { get; } = array.AsMemory(Offset(array), Size);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _array, null) is { } mine) owner.Return(mine);
    }

    private static unsafe int Offset(byte[] array)
    {
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        return (int)((DirectFile.Alignment - (address % DirectFile.Alignment)) % DirectFile.Alignment);
    }
}
