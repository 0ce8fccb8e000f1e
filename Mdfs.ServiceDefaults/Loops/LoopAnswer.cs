using System.Diagnostics;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>What an <see cref="ILoopServer"/> answers to one request: a head, and a body of which it is asked piece after piece. Called on the loop's thread, one call at a time, and never to wait.</summary>
public abstract class LoopAnswer
{
    /// <summary>The loop that asks, which is where everything here happens.</summary>
    protected internal EventLoop Loop { get; internal set; } = null!;

    /// <summary>The request's span; null where nobody wants to see it.</summary>
    protected internal Activity? Span { get; internal set; }

    /// <summary>The usual server is asked in its place, and counts it.</summary>
    protected internal bool IsHandedOver { get; internal set; }

    /// <summary>The route that the usual server has for it, by which it is counted.</summary>
    public abstract string Route { get; }

    /// <summary>200 or 206.</summary>
    public abstract int Status { get; }

    /// <summary>How long the client may take nothing before it counts as paused, and holds no memory.</summary>
    public abstract TimeSpan PauseTimeout { get; }

    /// <summary>Another thread is filling the memory: nobody else may have it, and <see cref="End"/> comes only after it has said that it is done.</summary>
    public virtual bool IsBusy => false;

    /// <summary>Writes status line and headers, with the empty line. Called once the first piece is known to be good.</summary>
    /// <returns>Bytes written.</returns>
    public abstract int WriteHead(Span<byte> into);

    /// <summary>Memory for the first piece, in bytes: <see cref="PieceSize.Small"/>, or <see cref="PieceSize.Large"/> where that makes it the only one.</summary>
    public abstract int First { get; }

    /// <summary>Puts the next piece into memory.</summary>
    /// <param name="into">Its own until the piece is there, also when it has to be waited for.</param>
    /// <param name="ready">To be called, from any thread and once, after <see cref="LoopPiece.Waiting"/>: then it is asked again, with the same memory.</param>
    public abstract LoopPiece Read(Memory<byte> into, Action ready);

    /// <summary>Bytes of a file that may be sent without being looked at, from here on; 0: there are none.</summary>
    public virtual int NextOfFile(out SafeFileHandle? file, out long from)
    {
        (file, from) = (null, 0);
        return 0;
    }

    /// <summary>So many of the file have been sent. 0: it cannot be sent like this.</summary>
    public virtual void FileSent(int count)
    {
    }

    /// <summary>Lets the system pass the next bytes to the client by itself, where they come from another socket. Not before the head has been sent, nor while a piece is being waited for.</summary>
    /// <param name="socket">The client's.</param>
    /// <param name="most">Bytes that may be on their way between the two.</param>
    /// <param name="ready">As in <see cref="Read"/>, after <see cref="LoopPassing.Waiting"/>.</param>
    /// <param name="count">Bytes that the client's socket has taken.</param>
    public virtual LoopPassing Pass(int socket, int most, Action ready, out int count)
    {
        count = 0;
        return LoopPassing.None;
    }

    /// <summary>So many more bytes were taken by the system.</summary>
    public virtual void Sent(int count)
    {
    }

    /// <summary>Whether <see cref="TakeBack"/> may be called: else the memory is kept for a client that has stopped.</summary>
    public virtual bool TakesBack => true;

    /// <summary>The last so many of what was read have not been sent, since the client has stopped and their memory is wanted back: they are to be read anew.</summary>
    public abstract void TakeBack(int count);

    /// <summary>The client has taken nothing for a while, or goes on.</summary>
    public virtual void Paused(bool paused)
    {
    }

    /// <summary>A few times a second, while a piece is being waited for.</summary>
    public virtual void OnTick()
    {
    }

    /// <summary>Nothing more will be asked.</summary>
    /// <param name="completed">Every byte was sent.</param>
    public abstract void End(bool completed);
}

/// <summary>A part of what is to be sent.</summary>
/// <param name="Skip">Bytes at the beginning of the memory that are not sent.</param>
/// <param name="Count">Bytes to send; 0 for the last two.</param>
public readonly record struct LoopPiece(LoopPieceKind Kind, int Skip, int Count)
{
    public static LoopPiece Bytes(int skip, int count) => new(LoopPieceKind.Bytes, skip, count);

    public static LoopPiece Waiting => new(LoopPieceKind.Waiting, 0, 0);

    /// <summary>No more can be given. If nothing has been sent yet the server is asked what to say instead; else the connection is cut.</summary>
    public static LoopPiece Failed => new(LoopPieceKind.Failed, 0, 0);

    public static LoopPiece End => new(LoopPieceKind.End, 0, 0);
}

public enum LoopPieceKind
{
    Bytes,
    Waiting,
    Failed,
    End,
}

/// <summary>What came of <see cref="LoopAnswer.Pass"/>.</summary>
public enum LoopPassing
{
    /// <summary>Nothing is on its way, and the next piece has to be read.</summary>
    None,
    Passed,

    /// <summary>The client's socket has no room.</summary>
    NoRoom,

    /// <summary>There is nothing yet.</summary>
    Waiting,

    /// <summary>The client's connection is.</summary>
    Broken,
}

/// <summary>Who answers requests right on the loop that received them.</summary>
public interface ILoopServer
{
    /// <summary>Null: not one of those; the usual server gets it, and the connection with it.</summary>
    LoopAnswer? TryAnswer(in RequestHead head);
}
