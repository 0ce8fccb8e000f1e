using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>
/// A thread that watches sockets and does at once, on that thread, what can be done without waiting. No other thread is woken for it, which is most of the work of a small answer
/// (docs/decisions/event-loops.md).
/// </summary>
public sealed partial class EventLoop : IDisposable
{
    /// <summary>Room in front of a piece for the head of an answer. A whole page, so that what is read from files lies well.</summary>
    public const int Front = 4096;

    // Buffers of one size that are kept for later: 8 MiB of the largest.
    private const int MostBuffers = 8;

    private const int BellSlot = int.MaxValue;
    private const int Tick = 250;

    private readonly ILogger _logger;
    private readonly int _epoll;
    // Whoever rings it may come after the end: it is not closed before the last of them is done, as its number could be another file's by then.
    private readonly SafeFileHandle _bell;
    private readonly Thread _thread;
    private readonly byte[] _events = GC.AllocateUninitializedArray<byte>(256 * 16, pinned: true);
    private readonly ConcurrentQueue<(Action<object> Do, object With)> _posted = new();
    private readonly Lock _clearing = new();
    private readonly Queue<LoopSocket> _again = new();
    private readonly List<LoopSocket?> _sockets = [];
    private readonly Stack<int> _free = new();
    private readonly List<int> _left = [];
    private readonly Dictionary<int, Stack<byte[]>> _buffers = [];
    private int _rung;
    private int _count;
    private volatile bool _stopping;
    private volatile bool _over;

    public EventLoop(string name, ILogger logger)
    {
        _logger = logger;
        _epoll = Known(LoopSystem.CreateEpoll());
        _bell = new SafeFileHandle(Known(LoopSystem.CreateBell()), ownsHandle: true);
        Known(LoopSystem.Watch(_epoll, (int)_bell.DangerousGetHandle(), BellSlot, LoopSystem.In));
        Sources = new LoopSources(this);
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Memory in which what is received is looked at, for as long as a call lasts.</summary>
    internal byte[] Scratch { get; } = GC.AllocateUninitializedArray<byte>(16 * 1024, pinned: true);

    /// <summary>Milliseconds of the monotonic clock, as of when the loop last woke.</summary>
    public long Now { get; private set; } = Environment.TickCount64;

    /// <summary>Connections to other nodes that wait for the next request.</summary>
    public LoopSources Sources { get; }

    /// <summary>Whether this is the loop's thread.</summary>
    internal bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>From any thread: to be done on the loop's, in this order. After the loop's end it is done at once, so that what somebody holds is let go: it has to look at <see cref="HasEnded"/>.</summary>
    public void Post(Action<object> what, object with)
    {
        _posted.Enqueue((what, with));
        if (Interlocked.Exchange(ref _rung, 1) == 0) LoopSystem.Ring(_bell);
        if (_over) Clear();
    }

    /// <summary>On the loop's thread: it is watched from now on.</summary>
    internal void Add(LoopSocket socket)
    {
        var slot = _free.TryPop(out var free) ? free : _sockets.Count;
        if (slot == _sockets.Count) _sockets.Add(null);
        _sockets[slot] = socket;
        (socket.Loop, socket.Slot) = (this, slot);
        _count++;
        if (socket is LoopConnection) Clients++;
        Known(LoopSystem.Watch(_epoll, socket.Handle, slot, LoopSystem.In | LoopSystem.Out | LoopSystem.FarSideDone | LoopSystem.EdgeTriggered));
    }

    /// <summary>On the loop's thread: it is watched no more, and somebody else may have it.</summary>
    internal void Remove(LoopSocket socket)
    {
        if (socket.Loop != this) return;
        LoopSystem.Forget(_epoll, socket.Handle);
        _sockets[socket.Slot] = null;
        // Not taken by another before all that was heard in the meantime has been dealt with.
        _left.Add(socket.Slot);
        (socket.Loop, socket.Slot) = (null, -1);
        _count--;
        if (socket is LoopConnection) Clients--;
    }

    /// <summary>On the loop's thread: it has more to do, after all others have had their turn.</summary>
    internal void Again(LoopSocket socket)
    {
        if (socket.IsQueued) return;
        socket.IsQueued = true;
        _again.Enqueue(socket);
    }

    /// <summary>On the loop's thread: memory for a piece, and <see cref="Front"/> before it.</summary>
    /// <param name="piece">Bytes; one of few sizes, each of which is kept apart.</param>
    public byte[] Rent(int piece) =>
        _buffers.TryGetValue(Front + piece, out var kept) && kept.TryPop(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(Front + piece, pinned: true);

    public void Return(byte[] buffer)
    {
        if (!_buffers.TryGetValue(buffer.Length, out var kept)) _buffers.Add(buffer.Length, kept = new Stack<byte[]>());
        if (kept.Count < MostBuffers) kept.Push(buffer);
    }

    /// <summary>From any thread: lets those of these clients go that have nothing to do, or all of them, and says how many are left.</summary>
    internal Task<int> DrainAsync(LoopClients clients, bool abandon)
    {
        var left = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(static with =>
        {
            var (loop, clients, abandon, left) = ((EventLoop, LoopClients, bool, TaskCompletionSource<int>))with;
            left.SetResult(loop.Drain(clients, abandon));
        }, (this, clients, abandon, left));
        return left.Task;
    }

    /// <summary>Clients' connections that it has. For who wants to know how many there are; a moment old.</summary>
    internal int Clients { get; private set; }

    /// <summary>It ends, or has: nothing can be watched any more.</summary>
    public bool HasEnded => _stopping;

    /// <summary>Ends it; what it still has is closed.</summary>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        LoopSystem.Ring(_bell);
        if (Thread.CurrentThread != _thread) _thread.Join();
    }

    private int Drain(LoopClients clients, bool abandon)
    {
        var left = 0;
        for (var i = 0; i < _sockets.Count; i++)
        {
            if (_sockets[i] is not LoopConnection connection || connection.Clients != clients) continue;
            // Guarded: who waits for the others is not to wait for ever because of one.
            Guarded(connection, 0, abandon ? static (connection, _) => connection.Abandon() : static (connection, _) => ((LoopConnection)connection).Leave());
            if (_sockets[i] == connection) left++;
        }

        return left;
    }

    private void Run()
    {
        var ticked = Now;
        while (!_stopping)
        {
            var count = LoopSystem.Wait(_epoll, _events, _again.Count > 0 ? 0 : _count > 0 ? Tick : -1);
            Now = Environment.TickCount64;
            for (var i = 0; i < count; i++)
            {
                var (slot, events) = LoopSystem.EventAt(_events, i);
                if (slot == BellSlot) Heed();
                else if (_sockets[slot] is { } socket) Guarded(socket, events, static (socket, events) => socket.OnReady(events));
            }

            for (var turns = _again.Count; turns > 0; turns--)
            {
                var socket = _again.Dequeue();
                socket.IsQueued = false;
                if (socket.Loop == this) Guarded(socket, 0, static (socket, _) => socket.OnTurn());
            }

            if (Now - ticked >= Tick)
            {
                ticked = Now;
                for (var i = 0; i < _sockets.Count; i++)
                {
                    if (_sockets[i] is { } socket) Guarded(socket, 0, static (socket, _) => socket.OnTick());
                }
            }

            foreach (var slot in _left) _free.Push(slot);
            _left.Clear();
        }

        for (var i = 0; i < _sockets.Count; i++) _sockets[i]?.Abandon();
        LoopSystem.Close(_epoll);
        _over = true;
        // Who posts from here on sees that it is over; what was posted before is done here.
        Interlocked.MemoryBarrier();
        Clear();
        _bell.Dispose();
    }

    private void Heed()
    {
        LoopSystem.Silence(_bell);
        // Before the queue is looked at, also by the processor: else what is posted in between rings nobody.
        Interlocked.Exchange(ref _rung, 0);
        DoPosted();
    }

    private void Clear()
    {
        lock (_clearing) DoPosted();
    }

    private void DoPosted()
    {
        while (_posted.TryDequeue(out var work))
        {
            try
            {
                work.Do(work.With);
            }
            catch (Exception error)
            {
                LogFailed(error);
                if (work.With is LoopSocket socket) socket.Abandon();
            }
        }
    }

    private void Guarded(LoopSocket socket, uint events, Action<LoopSocket, uint> what)
    {
        try
        {
            what(socket, events);
        }
        catch (Exception error)
        {
            LogFailed(error);
            socket.Abandon();
        }
    }

    private static int Known(int result) => result >= 0 ? result : throw new IOException($"The system refuses to watch sockets (error {-result}).");

    [LoggerMessage(Level = LogLevel.Error, Message = "A connection was given up, since an error of MDFS' own came up while its bytes were sent.")]
    private partial void LogFailed(Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "An error of MDFS' own came up while a loop looked at a request: Kestrel answers it instead.")]
    internal partial void LogUnanswered(Exception error);
}
