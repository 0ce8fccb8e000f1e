using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>A pipe of the system's in which it keeps the bytes of one socket for another, without their coming into our memory. Of one loop at a time.</summary>
public sealed class LoopPipe : IDisposable
{
    private readonly LoopPipes _all;
    private readonly SafeFileHandle _out;
    private readonly SafeFileHandle _in;

    internal LoopPipe(LoopPipes all, int handleOut, int handleIn, int size) =>
        (_all, _out, _in, Size) = (all, new SafeFileHandle(handleOut, ownsHandle: true), new SafeFileHandle(handleIn, ownsHandle: true), size);

    /// <summary>What the system has set aside for it, in bytes.</summary>
    internal int Size { get; }

    /// <summary>Bytes in it, which have left the one socket and are not in the other.</summary>
    public int Held { get; private set; }

    /// <summary>Takes what a socket has, so many bytes at most.</summary>
    /// <returns>Bytes; nothing, or an error of the system's, negated: whoever receives in another way hears what it is.</returns>
    public int Fill(int socket, int most)
    {
        var came = LoopSystem.Splice(socket, _in, most);
        if (came > 0) Held += came;
        else if (LoopSystem.IsRefusal(came)) _all.GiveUp(came);
        return came;
    }

    /// <summary>Gives a socket what it has room for.</summary>
    public LoopPassing EmptyInto(int socket, out int count)
    {
        while (true)
        {
            count = LoopSystem.Splice(_out, socket, Held);
            if (count == LoopSystem.Interrupted) continue;
            if (count > 0)
            {
                Held -= count;
                return LoopPassing.Passed;
            }

            if (count == LoopSystem.Again) return LoopPassing.NoRoom;
            if (!LoopSystem.IsRefusal(count)) return LoopPassing.Broken;
            _all.GiveUp(count);
            return LoopPassing.None;
        }
    }

    /// <summary>For the next one who needs it. What is still in it is lost, and the pipe with it.</summary>
    public void Dispose() => _all.Return(this);

    internal void Close()
    {
        _out.Dispose();
        _in.Dispose();
    }
}
