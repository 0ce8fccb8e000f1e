using System.Collections.Concurrent;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>
/// The pipes through which the system passes bytes on from one connection to another (<c>splice</c>; docs/decisions/splice.md), where it can, and as long as few enough are in use: each may hold as much as a piece in memory
/// would. Who gets none moves bytes through memory. Safe for all threads.
/// </summary>
public sealed partial class LoopPipes : IDisposable
{
    /// <summary>Whether to (true unless said otherwise): a way back for an operator, and for tests a way to ask both.</summary>
    public const string Setting = "Mdfs:Splice";

    /// <summary>In use at a time. By <see cref="PieceSize.LargestOnLoops"/> they hold 32 MiB at most.</summary>
    public const int Most = 64;

    // Pipes have places for pages, not for bytes. Of larger pages there would be too few, and a few places cost more than memory does.
    private const int LargestPage = 16 * 1024;

    // The first has a place for each page of a file, of 4 KiB, that a worker has sent unread, and all of them take half of what a user has for pipes. With fewer a piece takes more turns.
    private static readonly int[] _sizes = [PieceSize.LargestOnLoops, PieceSize.LargestOnLoops / 2];

    // After none could be had.
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger;
    private readonly ConcurrentBag<LoopPipe> _unused = [];
    private int _rented;
    private long _restsUntil = long.MinValue;
    private volatile bool _on;
    private volatile bool _told;

    public LoopPipes(IConfiguration configuration, ILogger<LoopPipes> logger) => (_logger, _on) = (logger, IsWanted(configuration) && LoopSystem.IsKnown && Environment.SystemPageSize <= LargestPage);

    /// <exception cref="SettingException">It is neither yes nor no.</exception>
    public static bool IsWanted(IConfiguration configuration) => SettingException.Read(configuration, Setting, true);

    /// <summary>An empty one; null: there is none to be had.</summary>
    public LoopPipe? TryRent()
    {
        // Most that ask while all are taken have to change nothing.
        if (!_on || Volatile.Read(ref _rented) >= Most) return null;
        if (Interlocked.Increment(ref _rented) <= Most && (_unused.TryTake(out var kept) ? kept : Create()) is { } pipe) return pipe;
        Interlocked.Decrement(ref _rented);
        return null;
    }

    /// <summary>Who still has one brings it back, and it is closed then.</summary>
    public void Dispose()
    {
        _on = false;
        while (_unused.TryTake(out var pipe)) pipe.Close();
    }

    internal void Return(LoopPipe pipe)
    {
        // A small one was all that the user had left: the next may be a large one again.
        if (pipe.Held > 0 || pipe.Size < _sizes[0] || !_on)
        {
            pipe.Close();
        }
        else
        {
            _unused.Add(pipe);
            // Put away after the end: nobody else comes for it.
            if (!_on) Dispose();
        }

        Interlocked.Decrement(ref _rented);
    }

    /// <summary>The system does not let us, or not between these: nobody tries again.</summary>
    internal void GiveUp(int error)
    {
        if (!_on) return;
        Dispose();
        LogRefused(-error);
    }

    private LoopPipe? Create()
    {
        if (Environment.TickCount64 < Volatile.Read(ref _restsUntil)) return null;
        var error = LoopSystem.CreatePipe(_sizes, out var handleOut, out var handleIn, out var size);
        if (error == 0) return new LoopPipe(this, handleOut, handleIn, size);
        // No more files, or too many pipes of this user: later there may be one again.
        Volatile.Write(ref _restsUntil, Environment.TickCount64 + (long)_rest.TotalMilliseconds);
        if (!_told) LogNone(-error);
        _told = true;
        return null;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The system does not pass bytes from one connection to another by itself (error {Error}): movies go through memory, which costs more processor time and nothing else.")]
    private partial void LogRefused(int error);

    [LoggerMessage(Level = LogLevel.Information, Message = "The system has no more pipes for this user (error {Error}): some movies, or all, go through memory for as long as that is so, which costs more processor time and nothing else. This is said once.")]
    private partial void LogNone(int error);
}
