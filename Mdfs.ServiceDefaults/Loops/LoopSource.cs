using System.Net.Sockets;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>A connection to another node on which windows are asked for, one after the other, watched by the loop of the client who gets them: what comes in is received and sent on by one thread.</summary>
public sealed class LoopSource : IDisposable
{
    private readonly Watched _socket;
    private readonly string _address;
    private readonly EventLoop _loop;
    private readonly long _opened;
    private Action? _waiting;
    private long _expected;
    private bool _hasHead;
    private bool _lasts;
    private bool _heard;
    private bool _asked;
    private bool _closed;

    internal LoopSource(EventLoop loop, string address, Socket socket)
    {
        (_loop, _address, _opened) = (loop, address, loop.Now);
        socket.Blocking = false;
        _socket = new Watched(this, socket);
        loop.Add(_socket);
    }

    /// <summary>Bytes of the window that have not been received yet.</summary>
    public long Remaining { get; private set; }

    /// <summary>Whether it was used before: it may have been closed since, without anybody being to blame.</summary>
    public bool IsKept { get; private set; }

    internal long IdleSince { get; private set; }

    /// <summary>Asks for a window. False: the connection is of no more use.</summary>
    public bool TryAsk(ReadOnlySpan<byte> request, long length)
    {
        (_expected, Remaining, _hasHead, _lasts, _heard, _asked) = (length, length, false, false, false, true);
        return LoopSystem.Send(_socket.Handle, request) == request.Length;
    }

    /// <summary>Receives what is there.</summary>
    /// <param name="skip">Bytes at the beginning that do not belong to the window.</param>
    /// <param name="waiting">Called on the loop's thread when there may be more, after <see cref="Reception.Waiting"/>.</param>
    public Reception Receive(Span<byte> into, Action waiting, out int skip, out int count)
    {
        (skip, count) = (0, 0);
        if (_asked)
        {
            // Just now: there is nothing yet, and whatever comes is heard.
            (_asked, _waiting) = (false, waiting);
            return Reception.Waiting;
        }

        while (true)
        {
            // Never a byte of what follows the window.
            var most = _hasHead ? (int)Math.Min(into.Length, Remaining) : into.Length;
            var received = LoopSystem.Receive(_socket.Handle, into[..most]);
            if (received == LoopSystem.Interrupted) continue;
            if (received == LoopSystem.Again)
            {
                _waiting = waiting;
                return Reception.Waiting;
            }

            if (received <= 0) return Reception.Broken;
            _heard = true;
            if (_hasHead)
            {
                (count, Remaining) = (received, Remaining - received);
                return Reception.Bytes;
            }

            var head = WindowHead.Read(into[..received], _expected);
            // A head in two parts is as rare as another status, and left to whoever understands all of HTTP.
            if (head.Verdict != WindowVerdict.Window || received - head.Length > Remaining) return head.Verdict == WindowVerdict.Wrong ? Reception.Wrong : Reception.Other;
            (_hasHead, _lasts) = (true, head.Lasts);
            if (received == head.Length) continue;
            (skip, count) = (head.Length, received - head.Length);
            Remaining -= count;
            return Reception.Bytes;
        }
    }

    /// <summary>Whether nothing is to come but bytes of the window.</summary>
    public bool IsInBody => _hasHead && Remaining > 0;

    /// <summary>Lets the system put what is there into a pipe, while <see cref="IsInBody"/>. Whatever it is that keeps it from that, <see cref="Receive"/> tells: then it is <see cref="Reception.Other"/>.</summary>
    /// <param name="most">Bytes.</param>
    /// <param name="waiting">As in <see cref="Receive"/>.</param>
    public Reception Pass(LoopPipe pipe, int most, Action waiting, out int count)
    {
        while (true)
        {
            count = pipe.Fill(_socket.Handle, (int)Math.Min(most, Remaining));
            if (count == LoopSystem.Interrupted) continue;
            if (count > 0)
            {
                Remaining -= count;
                return Reception.Bytes;
            }

            if (count != LoopSystem.Again) return Reception.Other;
            _waiting = waiting;
            return Reception.Waiting;
        }
    }

    /// <summary>Whether anything was heard since it was asked.</summary>
    public bool WasHeard => _heard;

    /// <summary>Kept for the next one, if it was read to its end; else it is closed, which stops the sender.</summary>
    public void Dispose()
    {
        _waiting = null;
        if (_closed) return;
        if (_hasHead && Remaining == 0 && _lasts && _loop.Now - _opened < ByteClient.MaxLife.TotalMilliseconds)
        {
            (IsKept, IdleSince, _hasHead) = (true, _loop.Now, false);
            _loop.Sources.Keep(_address, this);
        }
        else
        {
            Close();
        }
    }

    internal void Close()
    {
        if (_closed) return;
        _closed = true;
        _loop.Remove(_socket);
        _socket.Socket.Dispose();
    }

    private void OnReady()
    {
        var waiting = _waiting;
        _waiting = null;
        // While it is kept nothing is to be heard: it was closed, or is out of step.
        if (waiting is null && IdleSince > 0) _loop.Sources.Drop(_address, this);
        else waiting?.Invoke();
    }

    internal void Taken() => IdleSince = 0;

    private sealed class Watched(LoopSource source, Socket socket) : LoopSocket(socket)
    {
        public override void OnReady(uint events)
        {
            // Room to send is no news.
            if ((events & ~LoopSystem.Out) != 0) source.OnReady();
        }

        public override void OnTurn()
        {
        }

        public override void OnTick()
        {
            if (source.IdleSince > 0 && Loop!.Now - source.IdleSince > ByteClient.MaxIdle.TotalMilliseconds) Loop.Sources.Drop(source._address, source);
        }

        public override void Abandon() => source.Close();
    }
}

/// <summary>What came of receiving.</summary>
public enum Reception
{
    Bytes,
    Waiting,

    /// <summary>The connection ended, or broke.</summary>
    Broken,

    /// <summary>Another answer than the window, for whoever understands all of HTTP.</summary>
    Other,

    /// <summary>200, but of another length.</summary>
    Wrong,
}
