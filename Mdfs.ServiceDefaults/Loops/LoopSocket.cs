using System.Net.Sockets;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>A socket that an <see cref="EventLoop"/> watches, with what is to be done when something happens to it. All of it runs on the loop's thread, and none of it may wait.</summary>
internal abstract class LoopSocket(Socket socket)
{
    /// <summary>The loop that has it; null before and after.</summary>
    public EventLoop? Loop { get; internal set; }

    public Socket Socket => socket;

    /// <summary>Its number with the system. Valid while a loop has it, since nobody else closes it then.</summary>
    public int Handle { get; } = (int)socket.SafeHandle.DangerousGetHandle();

    internal int Slot { get; set; } = -1;

    internal bool IsQueued { get; set; }

    /// <summary>What has changed, as the system says it; edges, so that whatever is not done now has to be remembered.</summary>
    public abstract void OnReady(uint events);

    /// <summary>Its turn has come, as <see cref="EventLoop.Again"/> promised.</summary>
    public abstract void OnTurn();

    /// <summary>About once a second.</summary>
    public abstract void OnTick();

    /// <summary>The loop ends, or an error of ours has left it in nobody knows what state: away with it.</summary>
    public abstract void Abandon();
}
