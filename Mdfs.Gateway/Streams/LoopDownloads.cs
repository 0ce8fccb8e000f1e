using Mdfs.Gateway.Sources;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Loops;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mdfs.Gateway.Streams;

/// <summary>Sends movies on loops (docs/decisions/event-loops.md). For services that know without waiting who has a movie.</summary>
public sealed partial class LoopDownloads(
    ReplicaReader reader, IWindowPass pass, StreamCounter streams, StreamMetrics metrics, RecentTrouble trouble, SourcePaces paces, LoopPipes pipes, IOptions<StreamOptions> options, TimeProvider time,
    ILogger<LoopDownloads> logger)
{
    internal ReplicaReader Reader => reader;

    internal IWindowPass Pass => pass;

    internal StreamCounter Streams => streams;

    internal StreamMetrics Metrics => metrics;

    internal RecentTrouble Trouble => trouble;

    internal SourcePaces Paces => paces;

    internal LoopPipes Pipes => pipes;

    internal StreamOptions Options { get; } = options.Value;

    internal TimeProvider Time => time;

    /// <summary>Null: not the plain whole or a plain part of a movie that somebody has.</summary>
    /// <param name="route">By which it is counted.</param>
    public LoopAnswer? TryAnswer(string route, ContentAnswer answer, IMovie movie, bool attachment) =>
        ResponseHead.Of(answer, attachment) is { } head && SourcesOf(movie) is { Count: > 0 } sources ? new LoopDownload(this, route, movie, sources, answer, head) : null;

    internal IReadOnlyList<ReplicaCandidate> SourcesOf(IMovie movie)
    {
        var sources = movie.SourcesAsync(fresh: false, CancellationToken.None);
        return sources.IsCompletedSuccessfully ? sources.Result : [];
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The rest of version {Version} could not be read for a client whose worker had failed, for a reason nobody has thought of; the client's connection is cut.")]
    internal partial void LogNotGoneOn(Exception error, MovieVersion version);
}
