using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mdfs.Gateway.Sources;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Transfer;

/// <summary>
/// What the master asks of a worker, each call with its token (design, section 8). Every expected ending is a <see cref="NodeAnswer{T}"/>; the only
/// exception is <see cref="OperationCanceledException"/> for the caller's own cancellation.
/// </summary>
public sealed class WorkerClient(ByteClient bytes, NodeTokens tokens, IMasterIdentity identity, IOptions<TransferOptions> options, TimeProvider time)
{
    // A verification is waited for at least this long, whatever the size: the worker runs few at once.
    private static readonly TimeSpan VerifyQueue = TimeSpan.FromSeconds(60);

    private readonly TransferOptions _options = options.Value;

    /// <summary>Opens an upload and reserves its space, before a byte of the movie is read.</summary>
    /// <param name="size">Bytes, or null when the client did not say.</param>
    /// <param name="appendable">Its bytes come in pieces, over restarts.</param>
    /// <param name="atLeast">Bytes that it has at least, where its size is not known.</param>
    public Task<NodeAnswer<Done>> OpenAsync(WorkerAddress to, UploadId upload, long? size, CancellationToken cancellation, bool appendable = false, long atLeast = 0) =>
        TellAsync(to, HttpMethod.Post, Routes.Worker.Uploads, Body(new OpenUpload(upload, size, appendable, atLeast), WireJson.Default.OpenUpload), _options.OpenTimeout, cancellation);

    /// <summary>Sends the bytes of an upload. The content drives the watch while it writes, and sets it to the time allowed for the receipt at its end.</summary>
    public async Task<NodeAnswer<PreparedReceipt>> PutAsync(WorkerAddress to, UploadId upload, HttpContent content, SilenceWatch watch)
    {
        using var request = Request(NodePurpose.Data, to, HttpMethod.Put, Routes.Worker.UploadPath(upload), []);
        request.Content = content;
        return await AskAsync(request, WireJson.Default.PreparedReceipt, watch);
    }

    /// <summary>Sends a piece of a resumable upload. The content drives the watch, as in <see cref="PutAsync"/>.</summary>
    /// <param name="size">Bytes of the whole, when they are known.</param>
    public async Task<NodeAnswer<AppendReceipt>> AppendAsync(WorkerAddress to, UploadId upload, UploadProgress from, long? size, HttpContent content, SilenceWatch watch)
    {
        using var request = Request(NodePurpose.Data, to, HttpMethod.Patch, Routes.Worker.AppendPath(upload, from.Offset, from.Checksum, size), []);
        request.Content = content;
        return await AskAsync(request, WireJson.Default.AppendReceipt, watch);
    }

    /// <summary>What a worker has of a resumable upload.</summary>
    public Task<NodeAnswer<AppendState>> FindUploadAsync(WorkerAddress to, UploadId upload, CancellationToken cancellation) =>
        ControlAsync(to, HttpMethod.Get, Routes.Worker.UploadPath(upload), [], WireJson.Default.AppendState, _options.OpenTimeout, cancellation);

    /// <summary>All pieces were sent: the worker prepares the upload. Completing twice is the same as once.</summary>
    public Task<NodeAnswer<PreparedReceipt>> CompleteAsync(WorkerAddress to, UploadId upload, UploadProgress whole, CancellationToken cancellation) =>
        ControlAsync(
            to, HttpMethod.Post, Routes.Worker.CompletePath(upload), Body(new CompleteUpload(whole.Offset, whole.Checksum), WireJson.Default.CompleteUpload),
            WireJson.Default.PreparedReceipt, _options.ReceiptTimeout, cancellation);

    /// <summary>Has an opened upload put together from parts. The answer comes only at the end, so the limit grows with the size.</summary>
    public Task<NodeAnswer<PreparedReceipt>> JoinAsync(WorkerAddress to, UploadId upload, JoinUpload join, CancellationToken cancellation) =>
        ControlAsync(
            to, HttpMethod.Post, Routes.Worker.JoinPath(upload), Body(join, WireJson.Default.JoinUpload), WireJson.Default.PreparedReceipt,
            _options.ReceiptTimeout + TimeSpan.FromSeconds((double)join.Size / _options.VerifyBytesPerSecond), cancellation);

    /// <summary>Tells a worker that an upload was committed, and as what. Sealing twice is the same as once.</summary>
    public Task<NodeAnswer<SealReceipt>> SealAsync(WorkerAddress to, ReplicaDescription replica, CancellationToken cancellation) =>
        ControlAsync(
            to, HttpMethod.Post, Routes.Worker.SealPath(replica.Upload), Body(replica, WireJson.Default.ReplicaDescription), WireJson.Default.SealReceipt,
            _options.SealTimeout, cancellation);

    /// <summary>Drops an upload that will never be committed; also a success when it was not there.</summary>
    public Task<NodeAnswer<Done>> DropAsync(WorkerAddress to, UploadId upload, CancellationToken cancellation) =>
        TellAsync(to, HttpMethod.Delete, Routes.Worker.UploadPath(upload), [], _options.OpenTimeout, cancellation);

    /// <summary>Hands over a tombstone; a success means that it is on the worker's disk.</summary>
    public Task<NodeAnswer<TombstoneReceipt>> BuryAsync(WorkerAddress to, Tombstone tombstone, CancellationToken cancellation) =>
        ControlAsync(
            to, HttpMethod.Post, Routes.Worker.Tombstones, Body(tombstone, WireJson.Default.Tombstone), WireJson.Default.TombstoneReceipt,
            _options.SealTimeout, cancellation);

    /// <summary>Has a replica re-read. The answer comes only at the end, so the limit grows with the size.</summary>
    /// <param name="size">Bytes of the replica, from the catalog.</param>
    public Task<NodeAnswer<VerifyResult>> VerifyAsync(WorkerAddress to, MovieVersion version, long size, CancellationToken cancellation) =>
        ControlAsync(
            to, HttpMethod.Post, Routes.Worker.VerifyPath(version), [], WireJson.Default.VerifyResult,
            VerifyQueue + TimeSpan.FromSeconds((double)size / _options.VerifyBytesPerSecond), cancellation);

    /// <summary>How far the re-reading of a replica is. A worker that does not re-read it, or is of a version that does not tell, refuses.</summary>
    public Task<NodeAnswer<VerifyProgress>> VerifyProgressAsync(WorkerAddress to, MovieVersion version, CancellationToken cancellation) =>
        ControlAsync(to, HttpMethod.Get, Routes.Worker.VerifyPath(version), [], WireJson.Default.VerifyProgress, _options.OpenTimeout, cancellation);

    /// <param name="name">Of this movie only; null: of all.</param>
    public Task<NodeAnswer<TrashReport>> ListTrashAsync(WorkerAddress to, FileName? name, CancellationToken cancellation) =>
        ControlAsync(to, HttpMethod.Get, Routes.Worker.TrashPath(name?.Value), [], WireJson.Default.TrashReport, _options.OpenTimeout, cancellation);

    /// <summary>Has trashed bytes re-read and prepared. The answer comes only at the end, so the limit grows with the size.</summary>
    public Task<NodeAnswer<PreparedReceipt>> RestoreAsync(WorkerAddress to, MovieVersion version, UploadId upload, long size, CancellationToken cancellation) =>
        ControlAsync(
            to, HttpMethod.Post, Routes.Worker.RestorePath(version), Body(new RestoreTrash(upload), WireJson.Default.RestoreTrash), WireJson.Default.PreparedReceipt,
            VerifyQueue + TimeSpan.FromSeconds((double)size / _options.VerifyBytesPerSecond), cancellation);

    public Task<NodeAnswer<QuarantineReport>> ListQuarantineAsync(WorkerAddress to, CancellationToken cancellation) =>
        ControlAsync(to, HttpMethod.Get, Routes.Worker.Quarantine, [], WireJson.Default.QuarantineReport, _options.OpenTimeout, cancellation);

    /// <summary>Has quarantined bytes read whole and prepared. The answer comes only at the end, so the limit grows with the size.</summary>
    public Task<NodeAnswer<PreparedReceipt>> AdoptQuarantinedAsync(WorkerAddress to, string id, UploadId upload, long size, CancellationToken cancellation) =>
        ControlAsync(
            to, HttpMethod.Post, Routes.Worker.AdoptQuarantinedPath(id), Body(new AdoptQuarantined(upload), WireJson.Default.AdoptQuarantined), WireJson.Default.PreparedReceipt,
            VerifyQueue + TimeSpan.FromSeconds((double)size / _options.VerifyBytesPerSecond), cancellation);

    public Task<NodeAnswer<Done>> PurgeQuarantinedAsync(WorkerAddress to, string id, CancellationToken cancellation) =>
        TellAsync(to, HttpMethod.Delete, Routes.Worker.QuarantinedPath(id), [], _options.SealTimeout, cancellation);

    /// <summary>Asks a worker to beat at once, since there is something to be told.</summary>
    public Task<NodeAnswer<Done>> BeatNowAsync(WorkerAddress to, CancellationToken cancellation) =>
        TellAsync(to, HttpMethod.Post, Routes.Worker.BeatNow, [], _options.OpenTimeout, cancellation);

    private static byte[] Body<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    private Task<NodeAnswer<Done>> TellAsync(
        WorkerAddress to, HttpMethod method, string target, byte[] body, TimeSpan limit, CancellationToken cancellation) =>
        ControlAsync<Done>(to, method, target, body, null, limit, cancellation);

    private async Task<NodeAnswer<T>> ControlAsync<T>(
        WorkerAddress to, HttpMethod method, string target, byte[] body, JsonTypeInfo<T>? type, TimeSpan limit, CancellationToken cancellation)
        where T : class
    {
        using var watch = new SilenceWatch(limit, time, cancellation);
        using var request = Request(NodePurpose.Control, to, method, target, body);
        if (body.Length > 0)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        watch.Begin();
        return await AskAsync(request, type, watch);
    }

    private async Task<NodeAnswer<T>> AskAsync<T>(HttpRequestMessage request, JsonTypeInfo<T>? type, SilenceWatch watch)
        where T : class
    {
        var answer = await bytes.SendAsync(request, watch);
        if (!answer.Succeeded) return answer.Failure;

        using var response = answer.Value;
        if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.Accepted or HttpStatusCode.NoContent))
        {
            return await NodeRefusals.ReadAsync(response, watch);
        }
        var text = await NodeRefusals.ReadShortAsync(response, watch);
        if (!text.Succeeded) return text.Failure;
        if (type is null) return (T)(object)Done.Instance;
        try
        {
            return JsonSerializer.Deserialize(text.Value, type) is { } value ? value : new NodeFailure.Malformed("it answered null");
        }
        catch (JsonException)
        {
            return new NodeFailure.Malformed($"its answer is not a {typeof(T).Name}");
        }
    }

    private HttpRequestMessage Request(NodePurpose purpose, WorkerAddress to, HttpMethod method, string target, byte[] body)
    {
        var request = new HttpRequestMessage(method, to.Address + target);
        request.Headers.Add(NodeTokens.Header, Token(purpose, to, method, target, body));
        return request;
    }

    private string Token(NodePurpose purpose, WorkerAddress to, HttpMethod method, string target, byte[] body) =>
        tokens.Issue(purpose, method.Method, target, NodeTokens.Master, to.Id.Value, identity.Epoch, identity.Now, body);
}
