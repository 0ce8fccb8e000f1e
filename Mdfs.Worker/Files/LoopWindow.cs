using Mdfs.ServiceDefaults.Loops;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Files;

/// <summary>
/// A window of a replica as a loop sends it: what <see cref="WindowSender"/> does for the usual server, every byte checked here as there. What is in memory is read on the loop; what is not, on another thread, so that a
/// disk holds up nobody but who waits for it.
/// </summary>
/// <param name="open">Opens the replica, on another thread; null: it is not here.</param>
/// <param name="reader">The replica, if it was open already.</param>
internal sealed class LoopWindow(string route, ReplicaReader? reader, Func<ReplicaReader?> open, Func<ReplicaReader, LoopWindow.Plan?> plan, WindowFindings findings, FreshBlocks fresh, WorkerMetrics metrics) : LoopAnswer
{
    private readonly StreamPlace _place = metrics.StreamOpened();
    private ReplicaReader? _reader = reader;
    private ReplicaWindow? _window;
    private Plan? _plan;
    private (WindowPiece Piece, bool There) _read;
    private BlockFault _fault;
    private bool _fetching;
    private bool _told;

    /// <summary>What is sent of it.</summary>
    /// <param name="Head">Status line and headers.</param>
    internal sealed record Plan(int Status, long From, long Length, byte[] Head);

    public override string Route => route;

    public override int Status => _plan?.Status ?? 200;

    public override TimeSpan PauseTimeout => WindowSender.Paused;

    public override bool IsBusy => _fetching;

    // Known once the window is: until then a small one is as good.
    public override int First => Prepared() ? _window!.First : ServiceDefaults.Bytes.PieceSize.Small;

    public override int WriteHead(Span<byte> into)
    {
        _plan!.Head.CopyTo(into);
        return _plan.Head.Length;
    }

    public override LoopPiece Read(Memory<byte> into, Action ready)
    {
        WindowPiece came;
        if (_told)
        {
            _fetching = false;
            return LoopPiece.Failed;
        }

        if (_read.There)
        {
            (came, _read, _fetching) = (_read.Piece, default, false);
        }
        else if (_fault != BlockFault.None)
        {
            came = default;
        }
        else if (Prepared() && _window!.Left == 0)
        {
            return LoopPiece.End;
        }
        else if (_window is null || !_window.TryRead(into.Span, out came))
        {
            _fetching = true;
            ThreadPool.UnsafeQueueUserWorkItem(static with => with.Self.Fetch(with.Into, with.Ready), (Self: this, Into: into, Ready: ready), preferLocal: false);
            return LoopPiece.Waiting;
        }

        if (_window is null) return LoopPiece.Failed;
        // The good bytes first.
        if (came.Fault != BlockFault.None) _fault = came.Fault;
        if (came.Count > 0) return LoopPiece.Bytes(came.Skip, came.Count);
        if (_fault == BlockFault.None) return LoopPiece.Failed;
        // It is written down, on a disk that may be dying: whoever waits for this loop does not wait for that. The stream ends when it is known, so that who asks then hears of it.
        _fetching = true;
        ThreadPool.UnsafeQueueUserWorkItem(static with => with.Self.Tell(with.Ready), (Self: this, Ready: ready), preferLocal: false);
        return LoopPiece.Waiting;
    }

    public override int NextOfFile(out SafeFileHandle? file, out long from)
    {
        (file, from) = (_reader!.Bytes, _window!.Position);
        if (_fault != BlockFault.None || _window.Fresh is not (> 0 and var run)) return 0;
        // The system would wait for what is no longer in memory: that is read as anything else is.
        Span<byte> one = stackalloc byte[1];
        var most = (int)Math.Min(run, ServiceDefaults.Bytes.PieceSize.Largest);
        return CachedFile.Read(file, one, from) == 1 && CachedFile.Read(file, one, from + most - 1) == 1 ? most : 0;
    }

    public override void FileSent(int count)
    {
        if (count > 0) _window!.Skip(count);
        else _window!.Distrust();
    }

    public override void Sent(int count) => metrics.Sent(count);

    public override void TakeBack(int count)
    {
        _window!.TakeBack(count);
        // What was found behind the good bytes is found again.
        _fault = BlockFault.None;
    }

    public override void Paused(bool paused)
    {
        if (paused) _place.Dispose();
        else _place.Retake();
    }

    public override void End(bool completed)
    {
        _place.Dispose();
        _reader?.Dispose();
    }

    private bool Prepared()
    {
        if (_window is not null) return true;
        if (_reader is null || (_plan = plan(_reader)) is not { } known) return false;
        _window = new ReplicaWindow(_reader, fresh.Of(_reader.Held), known.From, known.Length);
        return true;
    }

    private void Tell(Action ready)
    {
        try
        {
            findings.Report(_window!, _fault);
        }
        finally
        {
            _told = true;
            ready();
        }
    }

    private void Fetch(Memory<byte> into, Action ready)
    {
        try
        {
            _reader ??= open();
            _read = (Prepared() ? _window!.Read(into.Span) : default, true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The usual server is asked, and says what it is.
            _read = (default, true);
        }
        finally
        {
            ready();
        }
    }
}
