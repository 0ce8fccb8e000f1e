using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mdfs.Protocol;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>A real worker on real Kestrel and a real directory, and the voice of a master to speak to it.</summary>
internal sealed class WorkerNode : IAsyncDisposable
{
    public const string AdminKey = "correct-horse-battery";
    public const string ClusterKey = "the-secret-of-this-cluster";
    public const string ClusterId = "11112222333344445555666677778888";

    private readonly WebApplication _app;
    private static long _versions = 1_700_000_000_000_000;

    private WorkerNode(WebApplication app, string directory)
    {
        _app = app;
        Directory = directory;
        Id = app.Services.GetRequiredService<Mdfs.Worker.Storage.NodeMemory>().Id;
        Master = new MasterVoice(app.Urls.First(), Id);
    }

    public string Directory { get; }

    public NodeId Id { get; }

    public string Address => _app.Urls.First();

    public MasterVoice Master { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<WorkerNode> StartAsync(string directory, string master = "http://127.0.0.1:9", Dictionary<string, string?>? settings = null, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection(Settings(directory, master));
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Configuration["Logging:Console:LogLevel:Default"] = "None";
        builder.AddMdfsWorker();
        if (time is not null) builder.Services.AddSingleton(time);
        var app = builder.Build();
        try
        {
            app.MapMdfsWorker();
            await app.StartAsync(TestContext.Current.CancellationToken);
            return new WorkerNode(app, directory);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public static Dictionary<string, string?> Settings(string directory, string master) => new()
    {
        ["urls"] = "http://127.0.0.1:0",
        ["Mdfs:AdminKey"] = AdminKey,
        ["Mdfs:ClusterKey"] = ClusterKey,
        ["Mdfs:Worker:DataDirectory"] = directory,
        ["Mdfs:Worker:ReservedBytes"] = "0",
        ["Mdfs:Worker:HeartbeatInterval"] = "00:00:00.2",
        ["Mdfs:Worker:IdleTimeout"] = "00:01:00",
        ["services:master:http:0"] = master,
    };

    public static MovieVersion NextVersion() => new(Interlocked.Increment(ref _versions));

    public static byte[] Movie(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static ReplicaDescription Describe(byte[] movie, string name, MovieVersion? version = null, UploadId? upload = null) => new(
        FileName.Parse(name), version ?? NextVersion(), movie.Length, Checksum.Of(movie), DateTimeOffset.UnixEpoch.AddDays(20_000), upload ?? UploadId.New(), ClusterId);

    public string ReplicaPath(MovieVersion version) => Path.Combine(Directory, "replicas", (version.Number & 255).ToString("x2"), version.Number.ToString());

    /// <summary>Leaves the data directory empty, as when its disk is not mounted, until what is returned is disposed of.</summary>
    public IDisposable WithoutDisk() => new Absence(Directory, leaveEmpty: true);

    /// <summary>Leaves no data directory at all, until what is returned is disposed of.</summary>
    public IDisposable WithoutDirectory() => new Absence(Directory, leaveEmpty: false);

    private sealed class Absence : IDisposable
    {
        private readonly string _directory;

        public Absence(string directory, bool leaveEmpty)
        {
            _directory = directory;
            System.IO.Directory.Move(directory, Aside);
            if (leaveEmpty) System.IO.Directory.CreateDirectory(directory);
        }

        private string Aside => _directory + "-aside";

        public void Dispose()
        {
            if (System.IO.Directory.Exists(_directory)) System.IO.Directory.Delete(_directory, recursive: true);
            System.IO.Directory.Move(Aside, _directory);
        }
    }

    /// <summary>Open, bytes, seal.</summary>
    public async Task<ReplicaDescription> StoreAsync(byte[] movie, string name = "a.mp4", ReplicaDescription? replica = null)
    {
        replica ??= Describe(movie, name);
        await PrepareAsync(movie, replica.Upload);
        var receipt = await Master.SealAsync(replica);
        Assert.Equal(replica, receipt.Report.Replica);
        return replica;
    }

    public async Task<PreparedReceipt> PrepareAsync(byte[] movie, UploadId upload)
    {
        using var opened = await Master.OpenAsync(upload, movie.Length);
        Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        using var put = await Master.PutAsync(upload, new ByteArrayContent(movie));
        return await MasterVoice.ReadAsync(put, WireJson.Default.PreparedReceipt);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        Master.Dispose();
    }
}

/// <summary>What a master says to a worker, signed as a master signs.</summary>
internal sealed class MasterVoice(string address, NodeId worker) : IDisposable
{
    private readonly NodeTokens _tokens = new(new ClusterKeys(WorkerNode.ClusterKey));
    private readonly HttpClient _client = new() { BaseAddress = new Uri(address) };

    // A connection of which anything else was asked is the server's for good: windows come over new ones, and so to the event loops, where there are any.
    private readonly HttpClient _windows = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { BaseAddress = new Uri(address) };

    public long Epoch { get; set; } = 1;

    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type)
    {
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {body}");
        return JsonSerializer.Deserialize(body, type)!;
    }

    public static async Task<NodeRefusal> RefusalAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == status, $"{(int)response.StatusCode} {body}");
        return JsonSerializer.Deserialize(body, WireJson.Default.NodeRefusal)!;
    }

    public string Token(NodePurpose purpose, string method, string target, byte[] body, string? receiver = null, string sender = NodeTokens.Master, long late = 0) =>
        _tokens.Issue(purpose, method, target, sender, receiver ?? worker.Value, Epoch, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - late, body);

    public Task<HttpResponseMessage> SendAsync(NodePurpose purpose, HttpMethod method, string target, byte[]? body = null, HttpContent? content = null)
    {
        body ??= [];
        var request = new HttpRequestMessage(method, target) { Content = content ?? (body.Length > 0 ? new ByteArrayContent(body) : null) };
        request.Headers.Add(NodeTokens.Header, Token(purpose, method.Method, target, body));
        return SendAsync(request);
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    public Task<HttpResponseMessage> OpenAsync(UploadId upload, long? size) =>
        SendAsync(NodePurpose.Control, HttpMethod.Post, Routes.Worker.Uploads, Bytes(new OpenUpload(upload, size), WireJson.Default.OpenUpload));

    public Task<HttpResponseMessage> PutAsync(UploadId upload, HttpContent content) =>
        SendAsync(NodePurpose.Data, HttpMethod.Put, Routes.Worker.UploadPath(upload), content: content);

    public Task<HttpResponseMessage> DropAsync(UploadId upload) => SendAsync(NodePurpose.Control, HttpMethod.Delete, Routes.Worker.UploadPath(upload));

    public Task<HttpResponseMessage> TrySealAsync(ReplicaDescription replica) =>
        SendAsync(NodePurpose.Control, HttpMethod.Post, Routes.Worker.SealPath(replica.Upload), Bytes(replica, WireJson.Default.ReplicaDescription));

    public async Task<SealReceipt> SealAsync(ReplicaDescription replica)
    {
        using var response = await TrySealAsync(replica);
        return await ReadAsync(response, WireJson.Default.SealReceipt);
    }

    /// <param name="begun">For a reading that had bytes of it before.</param>
    public async Task<HttpResponseMessage> WindowAsync(MovieVersion version, long from, long length, bool begun = false)
    {
        var target = Routes.Worker.WindowPath(version, from, length, begun);
        using var request = new HttpRequestMessage(HttpMethod.Get, target);
        request.Headers.Add(NodeTokens.Header, Token(NodePurpose.Data, "GET", target, []));
        return await _windows.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>The same as another node asks for it, which gets nothing from the trash.</summary>
    public async Task<HttpResponseMessage> PeerWindowAsync(MovieVersion version, long from, long length)
    {
        var target = Routes.Worker.WindowPath(version, from, length, begun: true);
        using var request = new HttpRequestMessage(HttpMethod.Get, target);
        request.Headers.Add(NodeTokens.Header, Token(NodePurpose.Peer, "GET", target, [], sender: NodeId.New().Value));
        return await _windows.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    public async Task<byte[]> BytesAsync(MovieVersion version, long from, long length)
    {
        using var response = await WindowAsync(version, from, length);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(length, response.Content.Headers.ContentLength);
        return await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
    }

    public async Task<VerifyResult> VerifyAsync(MovieVersion version)
    {
        using var response = await SendAsync(NodePurpose.Control, HttpMethod.Post, Routes.Worker.VerifyPath(version));
        return await ReadAsync(response, WireJson.Default.VerifyResult);
    }

    public async Task<TombstoneReceipt> BuryAsync(FileName name, MovieVersion bound)
    {
        using var response = await SendAsync(
            NodePurpose.Control, HttpMethod.Post, Routes.Worker.Tombstones, Bytes(new Tombstone(name, bound, 1, DateTimeOffset.UnixEpoch), WireJson.Default.Tombstone));
        return await ReadAsync(response, WireJson.Default.TombstoneReceipt);
    }

    public void Dispose()
    {
        _client.Dispose();
        _windows.Dispose();
    }

    private static byte[] Bytes<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);
}
