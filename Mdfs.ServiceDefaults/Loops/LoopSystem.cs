using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>
/// The calls of Linux that an <see cref="EventLoop"/> is made of. None of them waits but <see cref="Wait"/>. Results below zero are errors of the system, negated.
/// </summary>
internal static unsafe partial class LoopSystem
{
    public const uint In = 0x001;
    public const uint Out = 0x004;
    public const uint Error = 0x008;
    public const uint HangUp = 0x010;
    public const uint FarSideDone = 0x2000;
    public const uint EdgeTriggered = 1u << 31;

    public const int Again = -11;
    public const int Interrupted = -4;
    public const int UnderWay = -115;

    private const int Add = 1;
    private const int Delete = 2;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int PeekOnly = 0x02;
    private const int CachedOnly = 0x08;
    private const int SetPipeSize = 1031;
    private const int MovePages = 0x01;
    private const int DontWaitForPipe = 0x02;

    // The system packs the structure on this architecture alone.
    private static readonly int _eventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Whether all of them are there. Asked once, at the start.</summary>
    public static bool IsKnown { get; } = OperatingSystem.IsLinux() && Environment.Is64BitProcess && HasCachedReads();

    public static int CreateEpoll() => Result(epoll_create1(CloseOnExec));

    public static int CreateBell() => Result(eventfd(0, CloseOnExec | NonBlocking));

    public static void Close(int handle) => _ = close(handle);

    public static int Watch(int epoll, int handle, int slot, uint events)
    {
        var data = stackalloc byte[16];
        *(uint*)data = events;
        *(long*)(data + _eventSize - 8) = slot;
        return Result(epoll_ctl(epoll, Add, handle, data));
    }

    public static void Forget(int epoll, int handle)
    {
        var unused = stackalloc byte[16];
        _ = epoll_ctl(epoll, Delete, handle, unused);
    }

    /// <param name="buffer">Room for the events, to be read by <see cref="EventAt"/>.</param>
    /// <param name="milliseconds">-1: for as long as it takes.</param>
    public static int Wait(int epoll, Span<byte> buffer, int milliseconds)
    {
        fixed (byte* events = buffer) return Result(epoll_wait(epoll, events, buffer.Length / _eventSize, milliseconds));
    }

    public static (int Slot, uint Events) EventAt(ReadOnlySpan<byte> buffer, int index)
    {
        var at = buffer.Slice(index * _eventSize, _eventSize);
        return ((int)MemoryMarshal.Read<long>(at[(_eventSize - 8)..]), MemoryMarshal.Read<uint>(at));
    }

    /// <summary>One that has been put away is not heard any more.</summary>
    public static void Ring(SafeFileHandle bell)
    {
        var one = 1L;
        try
        {
            _ = write(bell, &one, 8);
        }
        catch (ObjectDisposedException)
        {
            // Nobody is left who would hear it.
        }
    }

    public static void Silence(SafeFileHandle bell)
    {
        long count;
        _ = read(bell, &count, 8);
    }

    /// <summary>0: it stands; <see cref="UnderWay"/>: it does, or does not, when the socket can be written to.</summary>
    /// <param name="socket">One that does not block.</param>
    public static int Connect(int socket, SocketAddress to)
    {
        fixed (byte* address = to.Buffer.Span) return Result(connect(socket, address, to.Size));
    }

    /// <summary>0: the far side sends no more.</summary>
    public static int Receive(int socket, Span<byte> into, bool peek = false)
    {
        fixed (byte* bytes = into) return Result((int)recv(socket, bytes, (nuint)into.Length, DontWait | (peek ? PeekOnly : 0)));
    }

    public static int Send(int socket, ReadOnlySpan<byte> from)
    {
        fixed (byte* bytes = from) return Result((int)send(socket, bytes, (nuint)from.Length, DontWait | NoSignal));
    }

    /// <param name="socket">One that does not block.</param>
    public static int SendFile(int socket, SafeFileHandle file, long from, int count) => Result((int)sendfile(socket, file, ref from, (nuint)count));

    /// <summary>A pipe of the first of these sizes, in bytes, that the system still gives to this user, who has a budget for all of his pipes.</summary>
    /// <returns>0, or an error: the last one if it is none of them.</returns>
    public static int CreatePipe(ReadOnlySpan<int> sizes, out int handleOut, out int handleIn, out int size)
    {
        size = 0;
        var ends = stackalloc int[2];
        var result = Result(pipe2(ends, CloseOnExec | NonBlocking));
        (handleOut, handleIn) = (ends[0], ends[1]);
        if (result < 0) return result;
        foreach (var wanted in sizes)
        {
            size = result = Result(fcntl(handleIn, SetPipeSize, wanted));
            if (result >= 0) return 0;
        }

        Close(handleOut);
        Close(handleIn);
        return result;
    }

    /// <param name="socket">One that does not block.</param>
    public static int Splice(int socket, SafeFileHandle pipe, int count) => Result((int)splice(socket, 0, pipe, 0, (nuint)count, MovePages | DontWaitForPipe));

    /// <inheritdoc cref="Splice(int, SafeFileHandle, int)"/>
    public static int Splice(SafeFileHandle pipe, int socket, int count) => Result((int)splice(pipe, 0, socket, 0, (nuint)count, MovePages | DontWaitForPipe));

    /// <summary>Whether an error says that the system does not do this at all, or not for us: not permitted, no such call, not with such files.</summary>
    public static bool IsRefusal(int result) => result is -1 or -22 or -38 or -95;

    /// <summary>What of a file is in memory, from this place on and without a gap. Nothing, or an error, says that it has to be fetched.</summary>
    public static int ReadCached(SafeFileHandle file, Span<byte> into, long from)
    {
        fixed (byte* bytes = into)
        {
            var vector = new Vector { Base = bytes, Length = (nuint)into.Length };
            return Result((int)preadv2(file, &vector, 1, from, CachedOnly));
        }
    }

    private static int Result(int came) => came >= 0 ? came : -Marshal.GetLastPInvokeError();

    private static bool HasCachedReads()
    {
        try
        {
            // No file: refused by the system, unless the library lacks the call.
            return preadv2(-1, null, 0, 0, 0) < 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public void* Base;
        public nuint Length;
    }

#pragma warning disable IDE1006, SA1300 // They are called as the system calls them.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int handle, void* data);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, void* events, int most, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int handle);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeHandle handle, void* into, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeHandle handle, void* from, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int handle, void* address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int socket, void* into, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int socket, void* from, nuint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int handle, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint splice(int from, nint fromOffset, SafeHandle to, nint toOffset, nuint count, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint splice(SafeHandle from, nint fromOffset, int to, nint toOffset, nuint count, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendfile(int socket, SafeHandle file, ref long offset, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint preadv2(SafeHandle file, Vector* vectors, int count, long offset, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint preadv2(int file, Vector* vectors, int count, long offset, int flags);
#pragma warning restore IDE1006, SA1300
}
