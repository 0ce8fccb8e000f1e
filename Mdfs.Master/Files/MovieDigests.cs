using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Threading.Channels;
using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Catalog;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Output;

namespace Mdfs.Master.Files;

/// <summary>
/// The SHA-256 of movies, for <c>Repr-Digest</c> (RFC 9530). Known at once where the upload was checked against one; else it is computed when somebody first
/// wishes for it, in the background, one movie at a time, and told to whoever asks after that. Kept in memory alone: it can always be had again.
/// </summary>
public sealed partial class MovieDigests(MovieSources sources, ReplicaReader reader, ILogger<MovieDigests> logger) : BackgroundService
{
    /// <summary>Most digests kept; the oldest is forgotten first. About a megabyte.</summary>
    public const int MostKept = 10_000;

    // Wishes beyond this are dropped: whoever still wants it asks again.
    private const int MostWaiting = 32;

    private readonly ConcurrentDictionary<MovieVersion, byte[]> _known = new();
    private readonly ConcurrentQueue<MovieVersion> _order = new();
    private readonly ConcurrentDictionary<MovieVersion, byte> _wished = new();
    private readonly Channel<CatalogEntry> _wishes = Channel.CreateBounded<CatalogEntry>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.Wait });

    /// <summary>The digest, or null when it is not known; then it will be, after a while.</summary>
    public byte[]? Find(CatalogEntry entry)
    {
        if (_known.TryGetValue(entry.Version, out var digest)) return digest;
        if (_wished.TryAdd(entry.Version, 0) && !_wishes.Writer.TryWrite(entry)) _wished.TryRemove(entry.Version, out _);
        return null;
    }

    /// <summary>Notes what is known anyway.</summary>
    public void Remember(MovieVersion version, byte[] sha256)
    {
        if (!_known.TryAdd(version, sha256)) return;
        _order.Enqueue(version);
        while (_order.Count > MostKept && _order.TryDequeue(out var oldest)) _known.TryRemove(oldest, out _);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var entry in _wishes.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await ComputeAsync(entry, stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(failure, entry.Version);
            }
            finally
            {
                _wished.TryRemove(entry.Version, out _);
            }
        }
    }

    private async Task ComputeAsync(CatalogEntry entry, CancellationToken stopping)
    {
        using var sha256 = SHA256.Create();
        await using var sink = new CryptoStream(Stream.Null, sha256, CryptoStreamMode.Write);
        var pipe = PipeWriter.Create(sink);
        using var output = BodyOutput.Over(pipe);
        var result = await reader.CopyAsync(entry.Version, 0, entry.Size, SourceLists.Known(() => sources.Of(entry)), output, stopping, name: entry.Replica.Name);
        await pipe.CompleteAsync();
        if (result.Outcome != CopyOutcome.Completed) return;
        if (!sink.HasFlushedFinalBlock) await sink.FlushFinalBlockAsync(stopping);
        Remember(entry.Version, sha256.Hash!);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The SHA-256 of version {Version} could not be computed; it is tried again when somebody asks for it.")]
    private partial void LogFailed(Exception failure, MovieVersion version);
}
