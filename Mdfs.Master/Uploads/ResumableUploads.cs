using System.Collections.Concurrent;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>
/// The resumable uploads of this cluster, in memory and in Redis (docs/decisions/resumable-uploads.md). Their writes are fenced like those of the catalog but
/// are no transactions on it: what is lost of them costs the client some bytes sent again, or an upload begun anew, never a movie.
/// </summary>
public sealed partial class ResumableUploads : IDisposable
{
    // Ids that are remembered as gone, so that their clients hear 410 and not 404.
    private const int MostEnded = 10_000;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<UploadId, ResumableUpload> _all = new();
    private readonly ConcurrentDictionary<UploadId, byte> _ended = new();
    private readonly ConcurrentQueue<UploadId> _endedOrder = new();
    private readonly SemaphoreSlim _loading = new(1, 1);
    private readonly CatalogSession _session;
    private readonly FileCatalog _catalog;
    private readonly OpenUploads _open;
    private readonly ClusterClock _clock;
    private readonly IOptions<MasterOptions> _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile bool _disposed;

    public ResumableUploads(
        CatalogSession session, FileCatalog catalog, OpenUploads open, ClusterClock clock, IOptions<MasterOptions> options, TimeProvider time, ILogger<ResumableUploads> logger)
    {
        (_session, _catalog, _open, _clock, _options, _time, _logger) = (session, catalog, open, clock, options, time, logger);
        _session.Restored += RewriteLater;
    }

    /// <summary>They are in memory. Before that nothing is known to be gone.</summary>
    public bool Loaded { get; private set; }

    public ICollection<ResumableUpload> All => _all.Values;

    /// <summary>Loads what Redis holds, once. False: Redis cannot be read at present.</summary>
    public async Task<bool> TryLoadAsync(CancellationToken cancellation)
    {
        if (Loaded) return true;
        await _loading.WaitAsync(cancellation);
        try
        {
            if (Loaded) return true;
            if (await _session.ReadUploadsAsync() is not { } stored) return false;
            foreach (var (id, json) in stored)
            {
                if (UploadRecord.FromJson(json) is { } record && record.Id.Value == id) Put(new ResumableUpload(record) { Saved = true, NotedAge = record.TouchedAge, Interrupted = true });
                else LogUnreadable(id);
            }

            Loaded = true;
            if (stored.Count > 0) LogLoaded(_all.Count);
            return true;
        }
        finally
        {
            _loading.Release();
        }
    }

    public ResumableUpload? Find(UploadId id) => _all.GetValueOrDefault(id);

    /// <summary>There was one, and it expired, was terminated, or lost all its workers.</summary>
    public bool WasEnded(UploadId id) => _ended.ContainsKey(id);

    /// <summary>Whether the movie is in the catalog as what this upload became, perhaps by the hand of a master that died before it could note it here.</summary>
    public CatalogEntry? Committed(UploadRecord record) =>
        record.Name is { } name && _catalog.Find(name) is { } entry && entry.Replica.Upload == record.Id ? entry : null;

    public DateTimeOffset ExpiresAt(UploadRecord record) => _time.GetUtcNow() + Left(record);

    /// <summary>How long it still waits for its next piece, in cluster age; a part that is whole, for the other parts' pieces.</summary>
    public TimeSpan Left(UploadRecord record)
    {
        var touched = record.TouchedAge;
        if (record is { IsPartial: true, IsWhole: true })
        {
            // Begun for the same movie, as far as it is known whose parts they are: a name that many movies give would keep a forgotten part for ever.
            var others = _all.Values.Select(upload => upload.Record).Where(
                other => other.IsPartial && other.Name == record.Name && other.Place == record.Place && (other.CreatedAt - record.CreatedAt).Duration() < _options.Value.UploadExpiry);
            touched = others.Aggregate(touched, static (latest, other) => Math.Max(latest, other.TouchedAge));
        }

        return _options.Value.UploadExpiry - TimeSpan.FromSeconds(Math.Max(0, _clock.Age - touched));
    }

    /// <summary>
    /// Somebody asks for it, and so still wants it. Written down now and then, since the next master judges by what it reads. A Redis that is away is not waited for: whoever
    /// asks once asks again. For a caller that holds the upload's turn.
    /// </summary>
    public async Task TouchAsync(ResumableUpload upload)
    {
        var record = upload.Record = upload.Record with { TouchedAge = _clock.Age };
        if (record.TouchedAge - upload.NotedAge <= _options.Value.UploadExpiry.TotalSeconds / 10) return;
        if (await _session.SaveUploadAsync(upload.Id, () => _all.ContainsKey(upload.Id) ? record.ToJson() : null, CancellationToken.None)) upload.NotedAge = record.TouchedAge;
    }

    /// <summary>A new one; null when Redis does not take it.</summary>
    public async Task<ResumableUpload?> AddAsync(UploadRecord record)
    {
        var upload = new ResumableUpload(record with { TouchedAge = _clock.Age }) { Met = true };
        Put(upload);
        if (await SaveAsync(upload)) return upload;
        Forget(upload);
        return null;
    }

    /// <summary>The workers are further, or there are fewer of them: in memory at once, and true when it stands in Redis too, which is waited for.</summary>
    public Task<bool> SaveAsync(ResumableUpload upload, UploadRecord record)
    {
        upload.Record = record with { TouchedAge = _clock.Age };
        upload.Saved = false;
        return SaveAsync(upload);
    }

    /// <summary>Makes Redis hold what is in memory, unless it does.</summary>
    public async Task<bool> SaveAsync(ResumableUpload upload)
    {
        if (upload.Saved) return true;
        if (!await WriteAsync(upload.Id, () => _all.ContainsKey(upload.Id) ? upload.Record.ToJson() : null)) return false;
        upload.NotedAge = upload.Record.TouchedAge;
        return upload.Saved = true;
    }

    /// <summary>Committed: kept for a while, so that a client that did not hear the answer finds it done.</summary>
    public async Task<bool> CompleteAsync(ResumableUpload upload, CatalogEntry entry)
    {
        var saved = await SaveAsync(upload, upload.Record with { Version = entry.Version, Offset = entry.Size, Length = entry.Size, Checksum = entry.Checksum });
        // What is prepared of it is the catalog's from here on.
        _open.Close(upload.Id);
        return saved;
    }

    /// <summary>Removes it here and in Redis; false when Redis does not do it, and then nothing has changed.</summary>
    public async Task<bool> RemoveAsync(ResumableUpload upload)
    {
        if (!await WriteAsync(upload.Id, static () => null)) return false;
        upload.Ended = true;
        Forget(upload);
        if (!_ended.TryAdd(upload.Id, 0)) return true;
        _endedOrder.Enqueue(upload.Id);
        if (_endedOrder.Count > MostEnded && _endedOrder.TryDequeue(out var oldest)) _ended.TryRemove(oldest, out _);
        return true;
    }

    public void Dispose()
    {
        _disposed = true;
        _session.Restored -= RewriteLater;
        _loading.Dispose();
    }

    private void Put(ResumableUpload upload)
    {
        _all[upload.Id] = upload;
        // Its prepared bytes are nobody else's to discard; those of a committed one are to be sealed by whoever finds them.
        if (upload.Record.Version is null && Committed(upload.Record) is null) _open.Open(upload.Id);
    }

    private void Forget(ResumableUpload upload)
    {
        _all.TryRemove(upload.Id, out _);
        _open.Close(upload.Id);
    }

    // A Redis that blinks is waited for as commits do: what the workers have fsynced would else be sent again.
    private async Task<bool> WriteAsync(UploadId id, Func<byte[]?> record)
    {
        var began = _time.GetTimestamp();
        while (true)
        {
            if (await _session.SaveUploadAsync(id, record, CancellationToken.None)) return true;
            if (!_session.Attached || _time.GetElapsedTime(began) >= _options.Value.CommitWait) return false;
            await Task.Delay(_pause, _time);
        }
    }

    // Redis went back, and the catalog was written into it anew: so are the uploads.
    private void RewriteLater()
    {
        // From here on until they are written nobody may be told that they are: whoever asks for one writes it.
        foreach (var upload in _all.Values) upload.Saved = false;
        _ = Task.Run(RewriteAsync);
    }

    private async Task RewriteAsync()
    {
        while (Loaded && _session.Attached && !_disposed)
        {
            try
            {
                if (await TryRewriteAsync()) return;
                LogNotRewrittenYet();
            }
            catch (Exception failure)
            {
                LogNotRewritten(failure);
            }

            await Task.Delay(_retry, _time);
        }
    }

    /// <returns>False: Redis is away again, and it is to be done once more.</returns>
    private async Task<bool> TryRewriteAsync()
    {
        // Not noted as saved, since whoever holds an upload's turn may be changing it: the next request for it writes it once more.
        foreach (var upload in _all.Values)
        {
            if (!await WriteAsync(upload.Id, () => _all.ContainsKey(upload.Id) ? upload.Record.ToJson() : null)) return false;
        }

        if (await _session.ReadUploadsAsync() is not { } stored) return false;
        foreach (var (text, _) in stored)
        {
            if (UploadId.TryParse(text, out var id) && !_all.ContainsKey(id) && !await WriteAsync(id, static () => null)) return false;
        }

        return true;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} resumable uploads go on from where they were.")]
    private partial void LogLoaded(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The resumable upload {Id} in Redis cannot be read and was left out; its client has to begin anew.")]
    private partial void LogUnreadable(string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The resumable uploads could not all be written back into Redis yet; it is tried again.")]
    private partial void LogNotRewrittenYet();

    [LoggerMessage(Level = LogLevel.Error, Message = "Writing the resumable uploads back into Redis failed; it is tried again.")]
    private partial void LogNotRewritten(Exception failure);
}
