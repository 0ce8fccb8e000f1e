using System.Net;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

public sealed class WorkerAuthorityTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("none", 401)]
    [InlineData("garbage", 401)]
    [InlineData("other key", 401)]
    [InlineData("other node", 401)]
    [InlineData("other path", 401)]
    [InlineData("other purpose", 401)]
    [InlineData("expired", 401)]
    [InlineData("other body", 401)]
    [InlineData("not the master", 409)]
    [InlineData("right", 204)]
    public async Task Only_the_right_token_opens_a_control_route(string which, int status)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var body = JsonSerializer.SerializeToUtf8Bytes(new OpenUpload(UploadId.New(), 1), WireJson.Default.OpenUpload);
        var path = Routes.Worker.Uploads;
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var token = which switch
        {
            "none" => null,
            "garbage" => "1.2.3",
            "other key" => new NodeTokens(new ClusterKeys("some-other-secret-key")).Issue(NodePurpose.Control, "POST", path, NodeTokens.Master, node.Id.Value, 1, now, body),
            "other node" => node.Master.Token(NodePurpose.Control, "POST", path, body, receiver: NodeId.New().Value),
            "other path" => node.Master.Token(NodePurpose.Control, "POST", path + "/x", body),
            "other purpose" => node.Master.Token(NodePurpose.Data, "POST", path, body),
            "expired" => node.Master.Token(NodePurpose.Control, "POST", path, body, late: 61_000),
            "other body" => node.Master.Token(NodePurpose.Control, "POST", path, [.. body, 32]),
            "not the master" => node.Master.Token(NodePurpose.Control, "POST", path, body, sender: NodeId.New().Value),
            _ => node.Master.Token(NodePurpose.Control, "POST", path, body),
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        if (token is not null) request.Headers.Add(NodeTokens.Header, token);
        using var response = await node.Master.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_worker_without_an_admin_key_starts_and_obeys_the_master_alone()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:AdminKey"] = null });
        var movie = WorkerNode.Movie(100);
        await node.StoreAsync(movie, "a.mp4");
        foreach (var key in new[] { null, "", "admin888", WorkerNode.AdminKey })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/delete?name=a.mp4");
            if (key is not null) request.Headers.TryAddWithoutValidation("X-Mdfs-Secret", key);
            using var refused = await node.Master.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        using var download = await node.Master.SendAsync(NodePurpose.Data, HttpMethod.Get, "/download?name=a.mp4");
        Assert.Equal(movie, await download.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_peer_may_read_windows_and_nothing_else()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = await node.StoreAsync(WorkerNode.Movie(100));
        var window = Routes.Worker.WindowPath(replica.Version, 0, 100);
        using (var response = await AsPeerAsync(HttpMethod.Get, window)) Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using (var response = await AsPeerAsync(HttpMethod.Post, Routes.Worker.VerifyPath(replica.Version))) Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        using (var response = await AsPeerAsync(HttpMethod.Put, Routes.Worker.UploadPath(UploadId.New()))) Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);

        Task<HttpResponseMessage> AsPeerAsync(HttpMethod method, string target)
        {
            var request = new HttpRequestMessage(method, target);
            request.Headers.Add(NodeTokens.Header, node.Master.Token(NodePurpose.Peer, method.Method, target, [], sender: NodeId.New().Value));
            return node.Master.SendAsync(request);
        }
    }

    [Theory]
    [InlineData("/download?name=a.mp4")]
    [InlineData("/checksum?name=a.mp4")]
    [InlineData("/verify?name=a.mp4")]
    [InlineData("/delete?name=a.mp4")]
    public async Task The_classic_routes_need_the_admin_key_or_the_masters_token(string target)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        await node.StoreAsync(WorkerNode.Movie(100));
        using var client = new HttpClient { BaseAddress = new Uri(node.Address) };
        using (var response = await client.GetAsync(target, TestContext.Current.CancellationToken)) Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        using (var response = await client.GetAsync(target + "&secret=wrong", TestContext.Current.CancellationToken)) Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        using (var response = await node.Master.SendAsync(NodePurpose.Data, HttpMethod.Get, target)) Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await node.StoreAsync(WorkerNode.Movie(100));
        using (var response = await client.GetAsync($"{target}&secret={WorkerNode.AdminKey}", TestContext.Current.CancellationToken)) Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_delete_that_a_browser_marks_foreign_is_refused()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var replica = await node.StoreAsync(WorkerNode.Movie(100));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/delete?name=a.mp4&secret={WorkerNode.AdminKey}");
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        using var response = await node.Master.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal(100, (await node.Master.BytesAsync(replica.Version, 0, 100)).Length);
    }

    [Fact]
    public async Task The_classic_routes_answer_as_the_original_did()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(200_000);
        await node.StoreAsync(WorkerNode.Movie(10), "ü.mp4");
        var replica = await node.StoreAsync(movie, "ü.mp4");
        using var client = new HttpClient { BaseAddress = new Uri(node.Address) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", WorkerNode.AdminKey);
        Assert.Equal(replica.Checksum.ToString(), await client.GetStringOrErrorAsync("/checksum?name=ü.mp4"));
        Assert.Equal($"OK:{replica.Checksum}", await client.GetStringOrErrorAsync("/verify?name=ü.mp4"));
        Assert.Equal($"OK:{replica.Checksum}", await client.GetStringOrErrorAsync($"/verify?name=ü.mp4&checksum={replica.Checksum}"));
        Assert.Equal($"CHECKSUM_MISMATCH:{replica.Checksum}", await client.GetStringOrErrorAsync("/verify?name=ü.mp4&checksum=00000000"));
        Assert.Equal(movie, await client.GetByteArrayAsync("/download?name=ü.mp4", TestContext.Current.CancellationToken));

        using (var range = new HttpRequestMessage(HttpMethod.Get, "/download?name=ü.mp4"))
        {
            range.Headers.Range = new(100_000, 100_099);
            using var part = await client.SendAsync(range, TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.PartialContent, "bytes 100000-100099/200000"), (part.StatusCode, part.Content.Headers.ContentRange!.ToString()));
            Assert.Equal(movie[100_000..100_100], await part.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }

        using (var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/download?name=ü.mp4"), TestContext.Current.CancellationToken))
            Assert.Equal((HttpStatusCode.OK, 200_000L, replica.Version.ETag), (head.StatusCode, head.Content.Headers.ContentLength, head.Headers.ETag!.ToString()));
        using (var upload = await client.PostAsync("/upload?name=x.mp4", new ByteArrayContent([1]), TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.Forbidden, upload.StatusCode);

        Assert.Equal("OK", await client.GetStringOrErrorAsync("/delete?name=ü.mp4"));
        Assert.Equal("OK", await client.GetStringOrErrorAsync("/delete?name=none.mp4"));
        Assert.Equal(10, (await client.GetByteArrayAsync("/download?name=ü.mp4", TestContext.Current.CancellationToken)).Length);
        var lines = (await client.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n');
        Assert.Contains("mdfs_worker_files 1", lines);
        Assert.Contains("mdfs_worker_bytes_total 10", lines);
        Assert.Contains("mdfs_worker_up 1", lines);
    }

    [Theory]
    [InlineData("../../node.json")]
    [InlineData("..%2F..%2Fnode.json")]
    [InlineData("/etc/passwd")]
    [InlineData("a%00.mp4")]
    public async Task A_name_is_never_a_path(string name)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        using var client = new HttpClient { BaseAddress = new Uri(node.Address) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", WorkerNode.AdminKey);
        using (var response = await client.GetAsync($"/download?name={name}", TestContext.Current.CancellationToken)) Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        using (var response = await client.GetAsync($"/delete?name={name}", TestContext.Current.CancellationToken)) Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True(File.Exists(_directory["node.json"]));
    }
}
