using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Hashing;
using Mdfs.Gateway.Sources;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Mdfs.Tests.Cluster;

/// <summary>
/// A far side on real Kestrel that speaks a worker's transfer routes, checks every token, and misbehaves in ways that a sound worker cannot be
/// brought to: wrong receipts, wrong lengths, garbage, silence at a chosen byte.
/// </summary>
internal sealed class TransferFarSide : IAsyncDisposable
{
    public const string ClusterKey = "a cluster key for the transfer tests";

    private static readonly NodeTokens Tokens = new(new ClusterKeys(ClusterKey));

    private readonly WebApplication _app;

    private TransferFarSide(WebApplication app, NodeId id) => (_app, Id) = (app, id);

    public NodeId Id { get; }

    public WorkerAddress Address => new(Id, _app.Urls.Single());

    public ConcurrentDictionary<UploadId, long?> Opened { get; } = [];

    public ConcurrentDictionary<UploadId, byte[]> Prepared { get; } = [];

    /// <summary>Uploads whose body did not end as it should.</summary>
    public ConcurrentDictionary<UploadId, long> BrokenOff { get; } = [];

    public ConcurrentDictionary<UploadId, bool> Dropped { get; } = [];

    public ConcurrentDictionary<MovieVersion, byte[]> Replicas { get; } = [];

    public ConcurrentQueue<string> Requests { get; } = [];

    public ConcurrentQueue<Dictionary<string, string>> Headers { get; } = [];

    /// <summary>Runs before the body of an upload is read.</summary>
    public Func<HttpContext, Task>? OnPut { get; set; }

    /// <summary>Runs instead of the sending of a window, with the bytes that were asked for, unless it says false.</summary>
    public Func<HttpContext, ReadOnlyMemory<byte>, Task<bool>>? OnWindow { get; set; }

    /// <summary>Sends windows of movies that nobody holds; gets the length.</summary>
    public Func<HttpContext, long, Task>? OnEndless { get; set; }

    /// <summary>Answers an opening, unless it says false.</summary>
    public Func<HttpContext, Task<bool>>? OnOpen { get; set; }

    /// <summary>Changes what the receipt says.</summary>
    public Func<PreparedReceipt, PreparedReceipt> Receipt { get; set; } = static receipt => receipt;

    /// <summary>Draws the number that a seal's receipt bears.</summary>
    public Func<long> Number { get; set; } = static () => 3;

    /// <summary>Answers a seal, unless it says false.</summary>
    public Func<HttpContext, ReplicaDescription, Task<bool>>? OnSeal { get; set; }

    /// <summary>What it has in its trash.</summary>
    public ReplicaDescription? Trash { get; set; }

    /// <summary>Runs before what is in the trash is prepared.</summary>
    public Action OnRestore { get; set; } = static () => { };

    /// <summary>The epoch that tokens must bear; null: any.</summary>
    public long? Epoch { get; set; } = TransferRig.Identity.Epoch;

    /// <summary>Whether bodies are kept, or only hashed.</summary>
    public bool Keeps { get; set; } = true;

    /// <param name="address">Where to listen: the address of a far side that was killed, as if it had been started again.</param>
    public static async Task<TransferFarSide> StartAsync(WorkerAddress? address = null)
    {
        var app = TransferRig.Kestrel(address?.Address ?? "http://127.0.0.1:0");
        var side = new TransferFarSide(app, address?.Id ?? NodeId.New());
        side.Map();
        await app.StartAsync();
        return side;
    }

    /// <summary>All connections end at once and no new ones are taken.</summary>
    public Task KillAsync() => _app.StopAsync(new CancellationToken(canceled: true));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    public static async Task<bool> RefuseAsync(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsJsonAsync(new NodeRefusal(code, "It was told to refuse."), WireJson.Default.NodeRefusal);
        return true;
    }

    private void Map()
    {
        _app.Use(CheckTokenAsync);
        _app.MapPost(Routes.Worker.Uploads, OpenAsync);
        _app.MapPut(Routes.Worker.Upload, PutAsync);
        _app.MapDelete(Routes.Worker.Upload, Drop);
        _app.MapGet(Routes.Worker.Replica, WindowAsync);
        _app.MapGet(Routes.Worker.Trash, () => Results.Json(new TrashReport(Trash is null ? [] : [new TrashedReplica(Trash, DateTimeOffset.UnixEpoch)]), WireJson.Default.TrashReport));
        _app.MapPost(Routes.Worker.Restore, async (HttpContext context) =>
        {
            var restore = (await context.Request.ReadFromJsonAsync(WireJson.Default.RestoreTrash, context.RequestAborted))!;
            OnRestore();
            return Results.Json(new PreparedReceipt(Id, "life", 1, restore.Upload, Trash!.Size, Trash.Checksum, Trash.Version), WireJson.Default.PreparedReceipt);
        });
        _app.MapPost(Routes.Worker.BeatNow, () => Results.Accepted());
        _app.MapPost(Routes.Worker.Seal, async (HttpContext context) =>
        {
            var replica = (await context.Request.ReadFromJsonAsync(WireJson.Default.ReplicaDescription, context.RequestAborted))!;
            if (OnSeal is not null && await OnSeal(context, replica)) return Results.Empty;
            return Results.Json(new SealReceipt(Id, "life", Number(), new ReplicaReport(replica, false, true)), WireJson.Default.SealReceipt);
        });
        _app.MapPost(Routes.Worker.Tombstones, async (HttpContext context) =>
        {
            var tombstone = (await context.Request.ReadFromJsonAsync(WireJson.Default.Tombstone, context.RequestAborted))!;
            return Results.Json(new TombstoneReceipt(Id, "life", 2, [tombstone.Bound]), WireJson.Default.TombstoneReceipt);
        });
        _app.MapPost(Routes.Worker.Verify, (long version) =>
            Results.Json(new VerifyResult(Id, new MovieVersion(version), new Checksum(5), true, 0), WireJson.Default.VerifyResult));
    }

    private async Task CheckTokenAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        Requests.Enqueue($"{request.Method} {request.Path}{request.QueryString}");
        Headers.Enqueue(request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase));

        var purpose = HttpMethods.IsPut(request.Method) || (HttpMethods.IsGet(request.Method) && request.Path != Routes.Worker.Trash) ? NodePurpose.Data : NodePurpose.Control;
        var verdict = Tokens.Check(
            request.Headers[NodeTokens.Header], purpose, request.Method, request.Path + request.QueryString, Id.Value, TransferRig.Identity.Now, out var token);
        var valid = verdict == TokenVerdict.Valid && token!.Sender == NodeTokens.Master && (Epoch is null || token.Epoch == Epoch);
        if (valid && purpose == NodePurpose.Control)
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, context.RequestAborted);
            valid = NodeTokens.MatchesBody(token!, body.ToArray());
            request.Body = new MemoryStream(body.ToArray());
        }
        if (valid) await next(context);
        else await RefuseAsync(context, 401, "token");
    }

    private async Task OpenAsync(HttpContext context)
    {
        if (OnOpen is not null && await OnOpen(context)) return;
        var open = (await context.Request.ReadFromJsonAsync(WireJson.Default.OpenUpload, context.RequestAborted))!;
        Opened[open.Upload] = open.Size;
        context.Response.StatusCode = 204;
    }

    private async Task PutAsync(HttpContext context)
    {
        _ = UploadId.TryParse((string?)context.Request.RouteValues["upload"], out var upload);
        var crc = new Crc32();
        using var kept = new MemoryStream();
        long taken = 0;
        try
        {
            if (OnPut is not null) await OnPut(context);
            if (context.Response.HasStarted) return;
            var buffer = new byte[64 * 1024];
            for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0; taken += read)
            {
                crc.Append(buffer.AsSpan(0, read));
                if (Keeps) kept.Write(buffer, 0, read);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            BrokenOff[upload] = taken;
            return;
        }
        Prepared[upload] = kept.ToArray();
        var receipt = new PreparedReceipt(Id, "life", 1, upload, taken, new Checksum(crc.GetCurrentHashAsUInt32()), new MovieVersion(1));
        await context.Response.WriteAsJsonAsync(Receipt(receipt), WireJson.Default.PreparedReceipt);
    }

    private IResult Drop(string upload)
    {
        if (UploadId.TryParse(upload, out var id)) Dropped[id] = true;
        return Results.NoContent();
    }

    private async Task WindowAsync(HttpContext context)
    {
        _ = MovieVersion.TryParse((string?)context.Request.RouteValues["version"], out var version);
        if (OnEndless is not null)
        {
            await OnEndless(context, long.Parse(context.Request.Query["length"]!, NumberStyles.None, CultureInfo.InvariantCulture));
            return;
        }
        if (!Replicas.TryGetValue(version, out var bytes))
        {
            await RefuseAsync(context, 404, NodeRefusal.Unknown);
            return;
        }
        var window = bytes.AsMemory(Number("from"), Number("length"));
        if (OnWindow is not null && await OnWindow(context, window)) return;
        context.Response.ContentLength = window.Length;
        await context.Response.BodyWriter.WriteAsync(window, context.RequestAborted);

        int Number(string key) => int.Parse(context.Request.Query[key]!, NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
