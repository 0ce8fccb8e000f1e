using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Cluster;

/// <summary>The far side of the beat protocol on real Kestrel: keeps what it is told and answers what the test wants.</summary>
internal sealed class WorkerMasterDouble : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _state = new();
    private readonly List<Beat> _beats = [];
    private readonly List<InventoryPage> _pages = [];
    private readonly List<BeatReply> _once = [];
    private long _number;

    private WorkerMasterDouble(WebApplication app) => _app = app;

    public NodeTokens Tokens { get; } = new(new ClusterKeys(WorkerNode.ClusterKey));

    public string Address => _app.Urls.First();

    public string ClusterId { get; set; } = WorkerNode.ClusterId;

    public long Epoch { get; set; } = 1;

    public string? Refused { get; set; }

    public bool Acknowledges { get; set; } = true;

    /// <summary>Done before a reply goes out to which <see cref="Answer"/> has added something.</summary>
    public Action? BeforeAnswer { get; set; }

    /// <summary>Milliseconds that this master's clock is ahead of the machine's.</summary>
    public long ClockAhead { get; set; }

    public string SigningKey { get; set; } = WorkerNode.ClusterKey;

    public IReadOnlyList<Beat> Beats
    {
        get { lock (_state) return [.. _beats]; }
    }

    public IReadOnlyList<InventoryPage> Pages
    {
        get { lock (_state) return [.. _pages]; }
    }

    public int Unauthorized { get; private set; }

    public static async Task<WorkerMasterDouble> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var master = new WorkerMasterDouble(app);
        app.MapPost(Routes.Master.Beats, master.BeatAsync);
        app.MapPost(Routes.Master.Inventory, master.PageAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return master;
    }

    /// <summary>Makes the next reply carry this as well; what identifies the master is filled in.</summary>
    public void Answer(Func<BeatReply, BeatReply> with)
    {
        lock (_state) _once.Add(with(Plain(0)));
    }

    public async Task<Beat> WaitForBeatAsync(Func<Beat, bool> wanted, string what)
    {
        await Support.Eventually.TrueAsync(() => Beats.Any(wanted), what, Support.MdfsClient.Patience, TestContext.Current.CancellationToken);
        return Beats.First(wanted);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    private long Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + ClockAhead;

    private async Task BeatAsync(HttpContext context)
    {
        if (await AdmitAsync(context) is not { } body) return;
        var beat = JsonSerializer.Deserialize(body, WireJson.Default.Beat)!;
        BeatReply reply;
        lock (_state)
        {
            _beats.Add(beat);
            reply = Plain(Acknowledges ? beat.Number : 0);
            if (_once.Count > 0)
            {
                reply = _once[0] with { Number = reply.Number, Acknowledged = reply.Acknowledged, Epoch = Epoch };
                _once.RemoveAt(0);
                BeforeAnswer?.Invoke();
            }
        }

        var answer = JsonSerializer.SerializeToUtf8Bytes(reply, WireJson.Default.BeatReply);
        context.Response.Headers[NodeTokens.SignatureHeader] = new NodeTokens(new ClusterKeys(SigningKey)).SignReply(beat.Nonce, answer);
        await context.Response.Body.WriteAsync(answer);
    }

    private async Task PageAsync(HttpContext context)
    {
        if (await AdmitAsync(context) is not { } body) return;
        lock (_state) _pages.Add(JsonSerializer.Deserialize(body, WireJson.Default.InventoryPage)!);
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new InventoryReply(true), WireJson.Default.InventoryReply));
    }

    private async Task<byte[]?> AdmitAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var header = context.Request.Headers[NodeTokens.Header].ToString();
        var verdict = Tokens.Check(header, NodePurpose.Report, "POST", context.Request.Path, NodeTokens.Master, Now, out var token);
        if (verdict == TokenVerdict.Valid && NodeTokens.MatchesBody(token!, body.ToArray())) return body.ToArray();
        Unauthorized++;
        context.Response.StatusCode = 401;
        var time = Now.ToString();
        context.Response.Headers[NodeTokens.TimeHeader] = time;
        context.Response.Headers[NodeTokens.SignatureHeader] = Tokens.SignReply(header, System.Text.Encoding.ASCII.GetBytes(time));
        return null;
    }

    private BeatReply Plain(long acknowledged) => new()
    {
        Number = ++_number,
        Epoch = Epoch,
        ClusterId = ClusterId,
        Refused = Refused,
        MasterTime = Now,
        ClusterAge = 100,
        HighestVersion = new MovieVersion(1),
        Acknowledged = acknowledged,
    };
}
