namespace Mdfs.Master.Catalog.Store;

/// <summary>Carries one transaction on the catalog through, whatever Redis does meanwhile.</summary>
internal sealed partial class Committer(ConditionedRedis redis, StoreLane lane, TimeSpan commitWait, TimeProvider time, CancellationToken stopped, ILogger logger)
{
    private static readonly TimeSpan _lastMoment = TimeSpan.FromMilliseconds(500);

    /// <param name="write">What the transaction does besides moving the position.</param>
    /// <param name="move">The position after it, from the one before it.</param>
    /// <param name="committed">Called in the lane when the transaction stands.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled before anything was sent: it does not stand and never will.</exception>
    public async Task<CommitOutcome> CommitAsync(
        Action<StoreWriter> write, Func<StorePosition, StorePosition> move, Action committed, CancellationToken cancellationToken)
    {
        if (lane.ReplacedBy is { } epoch) return new CommitOutcome.Replaced(epoch);
        var started = time.GetTimestamp();
        using var patience = new CancellationTokenSource(commitWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token, stopped);
        try
        {
            await lane.EnterAsync(Timeout.InfiniteTimeSpan, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && !stopped.IsCancellationRequested)
        {
            return new CommitOutcome.Unavailable($"An earlier change of the catalog is still unsettled. {redis.LastTrouble}");
        }

        if (lane.Mine is null)
        {
            lane.Leave();
            throw new InvalidOperationException("Nothing can be committed before the epoch was taken and the catalog was loaded.");
        }

        // From here on the work goes on without its caller until it knows how it ended; the lane is its own until then.
        var ticket = new CommitTicket();
        var work = Task.Run(() => RunAsync(ticket, write, move, committed), CancellationToken.None);
        var left = commitWait - time.GetElapsedTime(started);
        try
        {
            return await work.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !work.IsCompleted)
        {
            if (ticket.Leave()) throw;
        }
        catch (TimeoutException) when (!work.IsCompleted)
        {
        }

        return await AfterPatienceAsync(ticket, work, started).ConfigureAwait(false);
    }

    private async Task<CommitOutcome> AfterPatienceAsync(CommitTicket ticket, Task<CommitOutcome> work, long started)
    {
        // A caller who cancelled after the sending waits on for the truth, as long as any caller would.
        var left = commitWait - time.GetElapsedTime(started);
        if (left > TimeSpan.Zero) await Task.WhenAny(work, Task.Delay(left, time, stopped)).ConfigureAwait(false);
        if (work.IsCompleted) return await work.ConfigureAwait(false);
        if (ticket.Leave()) return new CommitOutcome.Unavailable(redis.LastTrouble);
        // The last attempt is under way, as a rule with an answer a moment away: a clear outcome is worth that moment.
        await Task.WhenAny(work, Task.Delay(_lastMoment, time, stopped)).ConfigureAwait(false);
        if (work.IsCompleted) return await work.ConfigureAwait(false);
        LogUnsettled(redis.LastTrouble);
        return new CommitOutcome.Unsettled(work);
    }

    private async Task<CommitOutcome> RunAsync(CommitTicket ticket, Action<StoreWriter> write, Func<StorePosition, StorePosition> move, Action committed)
    {
        try
        {
            while (true)
            {
                // Asking first costs a round trip, and buys that a Redis that is frozen or gone is noticed before there is anything to be in doubt about.
                if (await lane.AlignAsync(() => ticket.IsWithdrawn).ConfigureAwait(false) == Alignment.Replaced) return new CommitOutcome.Replaced(lane.ReplacedBy!.Value);
                if (!ticket.TrySend()) return new CommitOutcome.Unavailable(redis.LastTrouble);

                var next = move(lane.Mine!);
                var sent = await redis.SendAsync(lane.Mine!, writer =>
                {
                    write(writer);
                    writer.Position(next);
                }).ConfigureAwait(false);
                if (sent == Sent.Unanswered)
                {
                    lane.Doubt = new Doubt(lane.Mine!.Next(), next);
                    var alignment = await lane.AlignAsync(() => false).ConfigureAwait(false);
                    if (alignment == Alignment.Replaced) return new CommitOutcome.Replaced(lane.ReplacedBy!.Value);
                    LogSettled(alignment == Alignment.CandidateStands ? "stands" : "does not stand and never will");
                    if (alignment == Alignment.CandidateStands) sent = Sent.Applied;
                }

                if (sent == Sent.Applied)
                {
                    lane.Mine = next;
                    committed();
                    return new CommitOutcome.Committed(next.Sequence!.Value);
                }

                if (!ticket.TryAgain()) return new CommitOutcome.Unavailable(redis.LastTrouble);
                await redis.PauseAsync(stopped).ConfigureAwait(false);
            }
        }
        finally
        {
            lane.Leave();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A change of the catalog was sent to Redis and not answered; nothing else is committed until it is settled. {Trouble}")]
    private partial void LogUnsettled(string trouble);

    [LoggerMessage(Level = LogLevel.Information, Message = "A change of the catalog that Redis had not answered was settled: it {Verdict}.")]
    private partial void LogSettled(string verdict);
}
