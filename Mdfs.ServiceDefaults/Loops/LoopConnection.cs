using System.Net.Sockets;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>
/// One client's connection on a loop. A request is looked at without being taken out of the socket: only when its answer is certain is it taken, so that until then the connection can be handed
/// to the usual server as if nobody had ever touched it.
/// </summary>
internal sealed class LoopConnection(EventLoop owner, Socket socket, LargestPieces largest, LargestPieces unread, ILoopServer server, LoopTelemetry telemetry, LoopClients clients) : LoopSocket(socket)
{
    // As the usual server has it; one that never asked anything is the usual server's to judge.
    private const int KeepAlive = 130_000;
    private const int FirstRequest = 2_000;

    // Bytes that a socket takes beyond those that are on their way, where they are pages of a file and the client keeps up: as many as it has room for.
    private const int UnsentOfFiles = 4 * 1024 * 1024;

    // A client that takes such a heap in the same time is as fast as one that takes a piece in an eighth of it.
    private const int WideShare = 8;

    // Sent in one turn before others get theirs.
    private const int MostPerTurn = PieceSize.Largest;

    private LoopAnswer? _answer;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private int _head;
    private long _since;
    private long _asked;
    private bool _begun;
    private bool _served;
    private bool _readable;
    private bool _blocked;
    private bool _waiting;
    private bool _paused;
    private bool _gone;
    private bool _came;
    private bool _farSideDone;
    private bool _filled;
    private bool _wide;
    private PieceSize? _size;

    /// <summary>Those that came in the same way.</summary>
    public LoopClients Clients => clients;

    /// <summary>On the loop's thread: it has just been added.</summary>
    public void Opened() => _since = Loop!.Now;

    public override void OnReady(uint events)
    {
        if ((events & (LoopSystem.Error | LoopSystem.HangUp | LoopSystem.FarSideDone)) != 0 && (_answer is not null || (events & LoopSystem.In) == 0))
        {
            Close(abort: true);
            return;
        }

        if ((events & LoopSystem.FarSideDone) != 0) _farSideDone = true;
        if ((events & LoopSystem.In) != 0) _readable = true;
        if (_answer is null)
        {
            if (_readable) Begin();
        }
        else if (_blocked && (events & LoopSystem.Out) != 0)
        {
            _blocked = false;
            _size!.Taken(TimeSpan.FromMilliseconds((Loop!.Now - _since) / (_wide ? WideShare : 1)));
            GoOn();
        }
    }

    public override void OnTurn()
    {
        if (_came) Came();
        else if (_answer is null) Begin();
        else if (!_blocked && !_waiting) GoOn();
    }

    public override void OnTick()
    {
        var silent = Loop!.Now - _since;
        if (_answer is null)
        {
            if (clients.Leaving || (_served && silent > KeepAlive)) Close(abort: false);
            else if (!_served && silent > FirstRequest) HandOver();
            return;
        }

        if (_waiting) _answer.OnTick();
        if (!_blocked || _paused || silent <= _answer.PauseTimeout.TotalMilliseconds) return;
        _paused = true;
        _answer.Paused(true);
        // The next pieces are small ones again.
        _size!.Taken(TimeSpan.FromMilliseconds(silent));
        if (_buffer is null) return;
        // What has begun as a head stays whole.
        if (_head > 0 || !_answer.TakesBack) return;
        _answer.TakeBack(_end - _start);
        ReturnBuffer();
    }

    /// <summary>On the loop's thread: goes, if it has nothing to do.</summary>
    public void Leave()
    {
        if (_answer is null) Close(abort: false);
    }

    public override void Abandon() => Close(abort: true);

    private void Begin()
    {
        _readable = false;
        var scratch = Loop!.Scratch;
        var count = LoopSystem.Receive(Handle, scratch, peek: true);
        if (count is LoopSystem.Again or LoopSystem.Interrupted)
        {
            if (count == LoopSystem.Interrupted) Loop.Again(this);
            return;
        }

        if (count <= 0)
        {
            Close(abort: count < 0);
            return;
        }

        // Half closed, as few clients do: the usual server knows what that means.
        if (_farSideDone || !RequestHead.TryRead(scratch.AsSpan(0, count), out var head) || head.Find("connection"u8) is { } said && !said.Equals("keep-alive", StringComparison.OrdinalIgnoreCase) || Answer(head) is not { } answer)
        {
            HandOver();
            return;
        }

        // What follows is another request.
        if (count > head.Length) _readable = true;
        (answer.Loop, answer.Span, _asked) = (Loop, telemetry.Begin(answer.Route, head), telemetry.Now);
        (_answer, _head, _begun, _paused, _size) = (answer, head.Length, false, false, new PieceSize(largest, PieceSize.LargestOnLoops));
        GoOn();
    }

    // Nothing has been taken out of the socket yet: after a mistake of ours the server is as good as before.
    private LoopAnswer? Answer(in RequestHead head)
    {
        try
        {
            return server.TryAnswer(head);
        }
        catch (Exception error)
        {
            Loop!.LogUnanswered(error);
            return null;
        }
    }

    private void GoOn()
    {
        var loop = Loop!;
        var sent = 0;
        if (_paused)
        {
            _paused = false;
            _answer!.Paused(false);
        }

        while (true)
        {
            if (_start < _end)
            {
                var went = LoopSystem.Send(Handle, _buffer.AsSpan(_start, _end - _start));
                if (went == LoopSystem.Interrupted) continue;
                if (went < 0)
                {
                    if (went == LoopSystem.Again) Block();
                    else Close(abort: true);
                    return;
                }

                _start += went;
                sent += went;
                var ofHead = Math.Min(_head, went);
                _head -= ofHead;
                _answer!.Sent(went - ofHead);
                if (_start == _end) _size!.Taken(TimeSpan.Zero);
                continue;
            }

            if (sent >= MostPerTurn)
            {
                loop.Again(this);
                return;
            }

            // What was being read comes first: the place from which it would go on lies behind it.
            if (_begun && !_filled && _answer!.NextOfFile(out var file, out var from) is > 0 and var most)
            {
                ReturnBuffer();
                Widen(_size!.Current == PieceSize.LargestOnLoops);
                most = Math.Min(most, MostPerTurn);
                var went = LoopSystem.SendFile(Handle, file!, from, most);
                if (went == LoopSystem.Again)
                {
                    Block();
                    return;
                }

                if (went == LoopSystem.Interrupted) continue;
                if (went == most) _size!.Taken(TimeSpan.Zero);
                _answer.FileSent(Math.Max(went, 0));
                _answer.Sent(Math.Max(went, 0));
                sent += Math.Max(went, 0);
                continue;
            }

            Widen(false);
            if (_begun && !_filled)
            {
                var passing = _answer!.Pass(Handle, _size!.Current, Ready, out var passed);
                if (passing != LoopPassing.None) ReturnBuffer();
                switch (passing)
                {
                    case LoopPassing.Passed:
                        sent += passed;
                        _answer.Sent(passed);
                        _size.Taken(TimeSpan.Zero);
                        continue;
                    case LoopPassing.NoRoom:
                        Block();
                        return;
                    case LoopPassing.Waiting:
                        _waiting = true;
                        return;
                    case LoopPassing.Broken:
                        Close(abort: true);
                        return;
                }
            }

            var room = _begun ? _size!.Current : _answer!.First;
            if (_buffer is not null && _buffer.Length != EventLoop.Front + room && !_filled) ReturnBuffer();
            _buffer ??= loop.Rent(room);
            var piece = _answer!.Read(_buffer.AsMemory(EventLoop.Front), Ready);
            _filled = piece.Kind == LoopPieceKind.Waiting;
            switch (piece.Kind)
            {
                case LoopPieceKind.Waiting:
                    _waiting = true;
                    return;
                case LoopPieceKind.Failed when !_begun:
                    HandOver();
                    return;
                case LoopPieceKind.Failed:
                    Close(abort: true);
                    return;
                case LoopPieceKind.End when _begun:
                    Finish();
                    return;
            }

            (_start, _end) = (EventLoop.Front + piece.Skip, EventLoop.Front + piece.Skip + piece.Count);
            if (_begun) continue;
            // Certain now: it is taken out of the socket.
            if (LoopSystem.Receive(Handle, loop.Scratch.AsSpan(0, _head)) != _head)
            {
                Close(abort: true);
                return;
            }

            _begun = true;
            _head = _answer.WriteHead(loop.Scratch);
            _start -= _head;
            loop.Scratch.AsSpan(0, _head).CopyTo(_buffer.AsSpan(_start));
        }
    }

    // Pages of a file that wait in a socket take no memory of ours, and a client that keeps up is served with half the work when there are many of them: sends are fewer and longer. Only few have it at
    // a time, as the system counts those pages as memory of its sockets; also while they pause, as what waits stays there.
    private void Widen(bool wide)
    {
        if (wide == _wide || (wide && !unread.TryTake())) return;
        if (!wide) unread.GiveBack();
        _wide = wide;
        if (!_gone) SocketTuning.SetUnsent(Socket, wide ? UnsentOfFiles : SocketTuning.Unsent);
    }

    private void Block()
    {
        _blocked = true;
        _since = Loop!.Now;
    }

    // From any thread.
    private void Ready()
    {
        if (!owner.IsCurrent)
        {
            owner.Post(static self => ((LoopConnection)self).Came(), this);
            return;
        }

        _came = true;
        owner.Again(this);
    }

    private void Came()
    {
        (_came, _waiting) = (false, false);
        if (_gone) Release(completed: false);
        else if (_answer is not null) GoOn();
    }

    private void Finish()
    {
        Release(completed: true);
        (_served, _since) = (true, Loop!.Now);
        if (clients.Leaving) Close(abort: false);
        else if (_readable) Loop.Again(this);
    }

    private void HandOver()
    {
        if (_answer is not null) _answer.IsHandedOver = true;
        Release(completed: false);
        Loop!.Remove(this);
        clients.HandOver(Socket);
    }

    private void Close(bool abort)
    {
        if (_gone) return;
        _gone = true;
        Loop?.Remove(this);
        // Whoever waits for the rest shall see that it does not come.
        if (abort) Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
        // Somebody is filling the memory: it is given back when he is done.
        if (!_waiting || _answer?.IsBusy != true) Release(completed: false);
    }

    private void Release(bool completed)
    {
        ReturnBuffer();
        _size?.Dispose();
        var answer = _answer;
        (_answer, _blocked, _waiting, _start, _end, _head) = (null, false, false, 0, 0, 0);
        if (answer is null) return;
        Widen(false);
        answer.End(completed);
        // What the usual server is asked in its place, that one counts; and of the span nobody has heard.
        if (_begun) telemetry.End(answer.Span, answer.Route, answer.Status, _asked, completed);
    }

    private void ReturnBuffer()
    {
        if (_buffer is null) return;
        owner.Return(_buffer);
        (_buffer, _start, _end) = (null, 0, 0);
    }
}
