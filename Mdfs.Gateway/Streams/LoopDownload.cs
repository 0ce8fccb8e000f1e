using Mdfs.Gateway.Sources;
using Mdfs.Protocol;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Loops;

namespace Mdfs.Gateway.Streams;

/// <summary>
/// A window of a movie on its way from one worker to one client, received and sent by the loop that has both connections: what <see cref="ReplicaReader"/> does for the usual server, as long as all goes well. A worker that fails before the first
/// byte leaves the request to the usual server; one that fails later is followed by <see cref="ReplicaReader.GoOnAsync"/>, which brings the rest.
/// </summary>
internal sealed class LoopDownload : LoopAnswer
{
    private readonly LoopDownloads _all;
    private readonly IMovie _movie;
    private readonly byte[] _head;
    private readonly long _from;
    private readonly long _length;
    private readonly long _began;
    private readonly IDisposable _client;
    private IReadOnlyList<ReplicaCandidate>? _sources;
    private ReplicaCandidate _candidate;
    private LoopSource? _source;
    private LoopPipe? _pipe;
    private LoopFeed? _feed;
    private CancellationTokenSource? _gone;
    private IDisposable? _place;
    private NodeFailure? _failure;
    private Action? _ready;
    private long _asked;
    private long _good;
    private TimeSpan _waited;
    private long _delivered;
    private bool _connecting;
    private bool _ended;
    private bool _resuming;
    private bool _isUnderstood = true;

    /// <param name="sources">Who has it at this moment.</param>
    public LoopDownload(LoopDownloads all, string route, IMovie movie, IReadOnlyList<ReplicaCandidate> sources, ContentAnswer answer, byte[] head)
    {
        (_all, _movie, _sources, _head, Route, Status) = (all, movie, sources, head, route, answer.Decision.StatusCode);
        (_from, _length) = (answer.Pieces[0].Range.From, answer.Pieces[0].Range.Length);
        _began = all.Time.GetTimestamp();
        // Counted from here on, so that the version is not swept away between the decision and the first window.
        _client = all.Streams.Enter(movie.Replica.Version);
    }

    public override string Route { get; }

    public override int Status { get; }

    public override TimeSpan PauseTimeout => _all.Options.PauseTimeout;

    public override int First => _length <= PieceSize.Large - 1024 ? PieceSize.Large : PieceSize.Small;

    // Bytes given to the client, or about to be.
    private long Given { get; set; }

    private long Left => _length - Given;

    public override int WriteHead(Span<byte> into)
    {
        _head.CopyTo(into);
        return _head.Length;
    }

    public override LoopPiece Read(Memory<byte> into, Action ready)
    {
        if (_feed is not null) return Counted(_feed.Take(into.Span, ready));
        if (Left == 0) return LoopPiece.End;
        _ready = ready;
        if (_failure is null && _source is null && !_connecting) Ask();
        while (_failure is null && !_connecting)
        {
            switch (_source!.Receive(into.Span, Wake, out var skip, out var count))
            {
                case Reception.Bytes:
                    Came(count);
                    return LoopPiece.Bytes(skip, count);
                case Reception.Waiting:
                    if (_asked == 0) _asked = _all.Time.GetTimestamp();
                    return LoopPiece.Waiting;
                case Reception.Broken when _source.IsKept && !_source.WasHeard:
                    // It had been closed before it was asked.
                    LetGo();
                    Ask();
                    break;
                case Reception.Broken:
                    _failure = new NodeFailure.Unreachable($"it stopped {_source.Remaining} bytes before the end");
                    break;
                case Reception.Other:
                    // Whoever understands all of HTTP asks it once more, and takes note of what it says.
                    (_failure, _isUnderstood) = (new NodeFailure.Malformed("it answered with something else than a window"), false);
                    break;
                case Reception.Wrong:
                    _failure = new NodeFailure.Malformed($"it offered something else than {Left} bytes");
                    break;
            }
        }

        return _failure is null ? LoopPiece.Waiting : Fail(into.Span, ready);
    }

    public override LoopPassing Pass(int socket, int most, Action ready, out int count)
    {
        count = 0;
        if (_pipe is null && !TryFill(most, ready, out var otherwise)) return otherwise;
        var passing = _pipe!.EmptyInto(socket, out count);
        if (passing == LoopPassing.Passed) _all.Metrics.Spliced(count);
        // It can be filled, and not emptied: what is in it is asked for anew.
        if (passing == LoopPassing.None) LetGo();
        if (passing == LoopPassing.None || _pipe.Held == 0) EndPassing();
        return passing;
    }

    // What is brought by the usual means is counted there.
    public override void Sent(int count)
    {
        if (_feed is null) _all.Metrics.Given(count);
    }

    // What is brought by the usual means is given once.
    public override bool TakesBack => _feed is null;

    public override void TakeBack(int count) => Given -= count;

    public override void Paused(bool paused)
    {
        // A player that was paused for the night is served on from the exact byte by whoever holds the movie then.
        if (!paused || _feed is not null) return;
        _resuming = true;
        EndPassing();
        LetGo();
    }

    public override void OnTick()
    {
        if (_feed is not null || _asked == 0 || _failure is not null) return;
        if (_all.Time.GetElapsedTime(_asked) < _all.Options.IdleTimeout) return;
        _failure = new NodeFailure.TimedOut(_all.Options.IdleTimeout);
        Wake();
    }

    public override void End(bool completed)
    {
        _ended = true;
        EndPassing();
        LetGo();
        _client.Dispose();
        if (_feed is not null)
        {
            // Counted when it has come to its end.
            if (completed) return;
            _feed.End(complete: false);
            _ = _gone!.CancelAsync();
            return;
        }

        // Who leaves before the first byte has come is counted here as well: nobody else hears of him.
        if (IsHandedOver) return;
        _all.Metrics.Downloaded(new CopyResult(completed ? CopyOutcome.Completed : CopyOutcome.ClientGone, Given, [], _candidate.Worker.Id));
    }

    private bool TryFill(int most, Action ready, out LoopPassing otherwise)
    {
        otherwise = LoopPassing.None;
        if (_feed is not null || _failure is not null || _source is not { IsInBody: true } source || _all.Pipes.TryRent() is not { } pipe) return false;
        _ready = ready;
        var reception = source.Pass(pipe, most, Wake, out var came);
        if (reception == Reception.Bytes)
        {
            _pipe = pipe;
            Came(came);
            return true;
        }

        pipe.Dispose();
        if (reception != Reception.Waiting) return false;
        if (_asked == 0) _asked = _all.Time.GetTimestamp();
        otherwise = LoopPassing.Waiting;
        return false;
    }

    // What the client's socket has not taken counts as not given.
    private void EndPassing()
    {
        if (_pipe is null) return;
        Given -= _pipe.Held;
        _pipe.Dispose();
        _pipe = null;
    }

    private void Ask()
    {
        var sources = _sources ?? _all.SourcesOf(_movie);
        _sources = null;
        if (SourceRotation.First(sources, _all.Streams, _all.Trouble) is not { } candidate)
        {
            _failure = new NodeFailure.Unreachable("nobody has it");
            return;
        }

        _candidate = candidate;
        _place = _all.Streams.Enter(candidate.Worker.Id);
        while (Loop.Sources.Take(candidate.Worker.Address) is { } kept)
        {
            if (TryAsk(kept)) return;
        }

        _connecting = true;
        _asked = _all.Time.GetTimestamp();
        Loop.Sources.Connect(candidate.Worker.Address, (source, failure) =>
        {
            _connecting = false;
            if (_ended || _failure is not null)
            {
                // Too late: nobody waits for it any more.
                source?.Dispose();
                return;
            }

            if (source is null) _failure = failure;
            else if (!TryAsk(source)) _failure = new NodeFailure.Unreachable("the connection ended before it was asked");
            Wake();
        });
    }

    private bool TryAsk(LoopSource source)
    {
        var target = Routes.Worker.WindowPath(_movie.Replica.Version, _from + Given, Left, Given > 0);
        var request = Loop.Sources.Request(_candidate.Worker.Address, target, _all.Pass.For(_candidate, target), Span?.Id);
        if (!request.IsEmpty && source.TryAsk(request, Left))
        {
            (_source, _asked) = (source, _all.Time.GetTimestamp());
            return true;
        }

        source.Dispose();
        return false;
    }

    private void Came(int count)
    {
        if (Given == 0)
        {
            _all.Trouble.Clear(_candidate.Worker.Id);
            _all.Metrics.FirstByte(_all.Time.GetElapsedTime(_began));
        }
        else if (_resuming)
        {
            _all.Metrics.Resumed();
        }

        _resuming = false;
        Given += count;
        _delivered += count;
        _good += count;
        if (_asked != 0) _waited += _all.Time.GetElapsedTime(_asked);
        _asked = 0;
        if (Left == 0) LetGo();
        if (_good < SourceRotation.GoodPiece && _waited < ReplicaReader.Stretch) return;
        var rate = _good / Math.Max(_waited.TotalSeconds, 0.001);
        _all.Paces.Note(_candidate.Worker.Id, rate);
        if (_good < SourceRotation.GoodPiece && SourceRotation.IsWorthLeaving(_all.SourcesOf(_movie), _candidate.Worker.Id, rate, _all.Trouble, _all.Paces)) _failure = new NodeFailure.TooSlow(rate);
        (_good, _waited) = (0, TimeSpan.Zero);
    }

    private LoopPiece Fail(Span<byte> into, Action ready)
    {
        var failed = new SourceFailure(_candidate.Worker.Id, _failure!, _from + Given);
        LetGo();
        if (Given == 0)
        {
            // Whoever asks next asks somebody else first.
            if (_failure!.MayPass) _all.Trouble.Note(failed.Node);
            return LoopPiece.Failed;
        }

        if (_isUnderstood) _all.Reader.NoteFailure(failed, _candidate.Worker, _movie.Replica.Version);
        (_feed, _gone) = (new LoopFeed(), new CancellationTokenSource());
        _ = FeedAsync(_feed, _isUnderstood ? failed : null, _gone.Token);
        return Counted(_feed.Take(into, ready));
    }

    private async Task FeedAsync(LoopFeed feed, SourceFailure? failed, CancellationToken gone)
    {
        await Task.Yield();
        var (began, complete) = (Given, false);
        try
        {
            var rest = await _all.Reader.GoOnAsync(_movie.Replica.Name, _movie.Replica.Version, _from + began, _length - began, _movie.SourcesAsync, feed, failed, _delivered, gone);
            complete = rest.Outcome == CopyOutcome.Completed;
            foreach (var _ in rest.Failures.Where(static failure => failure.Damaged)) _movie.NoteDamage();
            _all.Metrics.Downloaded(rest with { Sent = began + rest.Sent, Failures = failed is null ? rest.Failures : [failed, .. rest.Failures] });
        }
        catch (Exception error)
        {
            _all.LogNotGoneOn(error, _movie.Replica.Version);
        }
        finally
        {
            feed.End(complete);
            feed.Dispose();
        }
    }

    private LoopPiece Counted(LoopPiece piece)
    {
        Given += piece.Count;
        return piece;
    }

    private void Wake()
    {
        var ready = _ready;
        _ready = null;
        ready?.Invoke();
    }

    private void LetGo()
    {
        _source?.Dispose();
        _place?.Dispose();
        (_source, _place, _asked) = (null, null, 0);
    }
}
