using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Output;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mdfs.Gateway.Streams;

/// <summary>
/// Streams a window of a version from its replicas to a reader, and goes on from another one at the exact byte when the one being read fails, before
/// or during the body (design, sections 2.4 and 5).
/// </summary>
public sealed partial class ReplicaReader
{
    // Waiting for a source adds up to this before its pace is judged; one that brings a good piece sooner is never too slow.
    internal static readonly TimeSpan Stretch = TimeSpan.FromSeconds(3);

    private readonly WindowClient _windows;
    private readonly StreamCounter _streams;
    private readonly StreamOptions _options;
    private readonly StreamMetrics _metrics;
    private readonly RecentTrouble _trouble;
    private readonly SourcePaces _paces;
    private readonly LargestPieces _largest = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public ReplicaReader(
        WindowClient windows, StreamCounter streams, IOptions<StreamOptions> options, StreamMetrics metrics, RecentTrouble trouble, SourcePaces paces, TimeProvider time, ILogger<ReplicaReader> logger)
    {
        _windows = windows;
        _streams = streams;
        _options = options.Value;
        _metrics = metrics;
        _trouble = trouble;
        _paces = paces;
        _time = time;
        _logger = logger;
    }

    /// <param name="from">Offset of the first byte in the movie.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="candidates">The workers that hold the version now; see <see cref="SourceRotation"/> for who is asked when.</param>
    /// <param name="destination">
    /// Nothing is sent before a replica has answered well, so the caller can still choose another status when <see cref="CopyResult.Sent"/> is 0.
    /// </param>
    /// <param name="clientGone">The request was aborted.</param>
    /// <param name="begun">The response has bytes of this version already, from an earlier window.</param>
    /// <param name="name">What the movie is called, for the log: an operator looks for it by that.</param>
    public async Task<CopyResult> CopyAsync(
        MovieVersion version, long from, long length, SourceList candidates, BodyOutput destination, CancellationToken clientGone, bool begun = false, FileName? name = null)
    {
        using var copy = new Copy(this, version, from, length, destination, begun, clientGone) { Name = name };
        var result = await RunAsync(copy, new SourceRotation(candidates, _streams, _trouble, _paces), clientGone);
        _metrics.Downloaded(result);
        return result;
    }

    /// <summary>Goes on with what somebody else began and whose source has failed. What comes of it is for whoever began to count.</summary>
    /// <param name="failed">Why, and whose turn it was; null: nobody knows, and it may be asked once more.</param>
    /// <param name="delivered">Bytes that it had brought.</param>
    internal async Task<CopyResult> GoOnAsync(
        FileName name, MovieVersion version, long from, long length, SourceList candidates, BodyOutput destination, SourceFailure? failed, long delivered, CancellationToken clientGone)
    {
        using var copy = new Copy(this, version, from, length, destination, begun: true, clientGone) { Name = name, Replaces = true };
        var rotation = new SourceRotation(candidates, _streams, _trouble, _paces);
        if (failed is not null) rotation.HasFailed(failed.Node, delivered, failed.Reason.MayPass);
        return await RunAsync(copy, rotation, clientGone);
    }

    /// <summary>Takes note of a source that could not be read on.</summary>
    internal void NoteFailure(SourceFailure failure, WorkerAddress source, MovieVersion version)
    {
        if (failure.Reason.MayPass) _trouble.Note(source.Id);
        LogSourceFailed(_logger, source.Address, version, failure.At, failure.Reason);
    }

    private async Task<CopyResult> RunAsync(Copy copy, SourceRotation rotation, CancellationToken clientGone)
    {
        CopyOutcome outcome;
        try
        {
            outcome = await copy.RunAsync(rotation);
        }
        catch (OperationCanceledException) when (clientGone.IsCancellationRequested)
        {
            outcome = CopyOutcome.ClientGone;
        }
        var result = new CopyResult(outcome, copy.Sent, copy.Failures, copy.Source) { Failovers = copy.Failovers };
        if (outcome == CopyOutcome.SourcesFailed) LogNoSource(_logger, copy.Name, copy.Version, copy.At, copy.Failures.Count);
        return result;
    }

    /// <summary>One call's state.</summary>
    private sealed class Copy(ReplicaReader reader, MovieVersion version, long from, long length, BodyOutput destination, bool begun, CancellationToken clientGone) : IDisposable
    {
        private readonly long _began = reader._time.GetTimestamp();
        private readonly PieceSize _piece = new(reader._largest);
        private bool _paused;

        private enum Ending
        {
            /// <summary>The window was read to its end.</summary>
            Complete,
            Failed,
            ReaderPaused,
            ReaderGone,
        }

        public MovieVersion Version => version;

        public FileName? Name { get; init; }

        public long At => from + Sent;

        /// <summary>It goes on where another source has failed.</summary>
        public bool Replaces { get; init; }

        public long Sent { get; private set; }

        public int Failovers { get; private set; }

        public NodeId? Source { get; private set; }

        public List<SourceFailure> Failures { get; } = [];

        public async Task<CopyOutcome> RunAsync(SourceRotation rotation)
        {
            while (Sent < length)
            {
                if (await rotation.NextAsync(clientGone) is not { } turn) return CopyOutcome.SourcesFailed;
                var source = turn.Source.Worker;
                if (turn.Again) await Task.Delay(reader._options.RetryPause, reader._time, clientGone);

                var before = Sent;
                var (ending, failure) = await ReadFromAsync(turn.Source, rotation);
                switch (ending)
                {
                    case Ending.ReaderGone:
                        return CopyOutcome.ClientGone;
                    case Ending.ReaderPaused:
                        rotation.GivenBack();
                        _paused = true;
                        break;
                    case Ending.Failed:
                        var failed = new SourceFailure(source.Id, failure!, from + Sent);
                        Failures.Add(failed);
                        reader.NoteFailure(failed, source, version);
                        rotation.Failed(Sent - before, failure!.MayPass);
                        break;
                }
            }
            return CopyOutcome.Completed;
        }

        private async Task<(Ending Ending, NodeFailure? Failure)> ReadFromAsync(ReplicaCandidate candidate, SourceRotation rotation)
        {
            var source = candidate.Worker;
            using var place = reader._streams.Enter(source.Id);
            var answer = await reader._windows.OpenAsync(candidate, version, from + Sent, length - Sent, begun || Sent > 0, clientGone);
            if (!answer.Succeeded) return (Ending.Failed, answer.Failure);

            using var window = answer.Value;
            using var pause = new StreamPause(new Lease(window, place), destination, reader._options.PauseTimeout, reader._time);
            var (first, bytes, waited) = (true, 0L, TimeSpan.Zero);
            while (window.Remaining > 0)
            {
                // Straight from the one socket into the memory that goes to the other. Only taken once the client has taken what was before it.
                var asked = reader._time.GetTimestamp();
                var size = (int)Math.Min(_piece.Current, window.Remaining);
                var read = await window.ReadAsync(destination.GetMemory(size)[..size]);
                if (read == 0) return (Ending.Failed, window.Failure);

                waited += reader._time.GetElapsedTime(asked);
                bytes += read;
                if (first) Began(source);
                first = false;
                var (sent, given) = await SendAsync(read, pause);
                if (sent < 0) return (Ending.ReaderGone, null);
                Sent += sent;
                reader._metrics.Given(sent);
                // What it had not taken when it stopped was let go, and is asked for anew.
                if (given || sent < read) return (Ending.ReaderPaused, null);

                if (bytes < SourceRotation.GoodPiece && waited < Stretch) continue;
                var rate = bytes / Math.Max(waited.TotalSeconds, 0.001);
                reader._paces.Note(source.Id, rate);
                if (bytes < SourceRotation.GoodPiece && await rotation.IsWorthLeavingAsync(rate, clientGone)) return (Ending.Failed, new NodeFailure.TooSlow(rate));
                (bytes, waited) = (0, TimeSpan.Zero);
            }
            return (Ending.Complete, null);
        }

        private void Began(WorkerAddress source)
        {
            Source = source.Id;
            reader._trouble.Clear(source.Id);
            if (Sent == 0 && !Replaces) reader._metrics.FirstByte(reader._time.GetElapsedTime(_began));
            else if (_paused) reader._metrics.Resumed();
            else Failovers++;
            _paused = false;
        }

        public void Dispose() => _piece.Dispose();

        // However it fails, it is the client's side that failed: the worker is not to blame, and no other one is asked.
        private async ValueTask<(int Sent, bool GivenBack)> SendAsync(int count, StreamPause pause)
        {
            try
            {
                var offered = reader._time.GetTimestamp();
                var sending = destination.SendAsync(0, count, clientGone);
                if (sending.IsCompleted)
                {
                    _piece.Taken(TimeSpan.Zero);
                    return (clientGone.IsCancellationRequested ? -1 : await sending, false);
                }

                pause.Begin();
                var sent = await sending;
                _piece.Taken(reader._time.GetElapsedTime(offered));
                return (clientGone.IsCancellationRequested ? -1 : sent, pause.End());
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                return (-1, false);
            }
        }
    }

    /// <summary>The window and its place in the count of streams, given back together.</summary>
    private sealed class Lease(IDisposable window, IDisposable place) : IDisposable
    {
        public void Dispose()
        {
            window.Dispose();
            place.Dispose();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {Address} cannot be read on from byte {At} of version {Version}: {Reason}.")]
    private static partial void LogSourceFailed(ILogger logger, string address, MovieVersion version, long at, NodeFailure reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "No replica of '{Name}' (version {Version}) can be read from byte {At} on, after {Failures} failures; the reader gets nothing more.")]
    private static partial void LogNoSource(ILogger logger, FileName? name, MovieVersion version, long at, int failures);
}
