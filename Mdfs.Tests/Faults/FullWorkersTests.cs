using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>No room, and nobody there (design, sections 4 and 9): refused, nothing lost, reading and deleting go on.</summary>
public sealed class FullWorkersTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task Full_workers_refuse_and_go_on_reading_and_deleting_and_without_workers_there_is_503()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Worker:Capacity", $"{40 * MiB}")]);
        var client = cluster.Client;
        var first = new MovieBytes(1, 10 * MiB);
        await Patiently.StoreAsync(client, "first.mp4", first, Cancelled);

        Assert.Equal((507, "no-space"), await PutAsync(client, "announced.mp4", 40 * MiB, chunked: false));
        Assert.Equal((507, "no-space"), await PutAsync(client, "not announced.mp4", 60 * MiB, chunked: true));
        Assert.StartsWith("HTTP/1.1 507 ", await BeginFormAsync(client, "in a form.mp4", 60 * MiB), StringComparison.Ordinal);
        await Eventually.TrueAsync(
            () => !cluster.Workers.Any(worker => Directory.EnumerateFiles(Path.Combine(cluster.Cluster.WorkerDirectory(worker), "incoming")).Any()),
            "nothing is left of what did not fit", MdfsClient.Patience, Cancelled);
        Assert.Equal(["first.mp4"], (await client.ListAsync(Cancelled)).Select(file => file.Name));
        await client.AssertHoldsAsync("first.mp4", first, Cancelled);

        // What fits still goes in, and a deletion makes room.
        await Patiently.StoreAsync(client, "second.mp4", new MovieBytes(2, 25 * MiB), Cancelled);
        Assert.Equal((507, "no-space"), await PutAsync(client, "third.mp4", 10 * MiB, chunked: false));
        using (var deleted = await client.DeleteAsync("second.mp4", Cancelled)) Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        await Eventually.TrueAsync(async () => (await PutAsync(client, "third.mp4", 10 * MiB, chunked: false)).Status == 201, "there is room again", MdfsClient.Patience, Cancelled);

        foreach (var worker in cluster.Workers) await worker.StopAsync(atOnce: true);
        await client.WaitForNodesAsync(0, Cancelled);
        Assert.Equal((503, "no-workers"), await PutAsync(client, "nobody.mp4", 1000, chunked: false));
        using (var deleted = await client.DeleteAsync("first.mp4", Cancelled)) Assert.Equal(HttpStatusCode.ServiceUnavailable, deleted.StatusCode);
        using (var read = await client.Http.GetAsync(MdfsClient.DownloadPath("first.mp4"), Cancelled)) Assert.Equal(HttpStatusCode.BadGateway, read.StatusCode);
        // What needs no bytes needs no worker.
        var head = await RawHttp.SendAsync(new Uri(client.Master, MdfsClient.DownloadPath("first.mp4")), "HEAD", Cancelled);
        Assert.Equal((200, $"{first.Length}"), (head.Status, head["Content-Length"]));
        Assert.Equal(304, (await RawHttp.SendAsync(new Uri(client.Master, MdfsClient.DownloadPath("first.mp4")), $"If-None-Match: {head["ETag"]}", Cancelled)).Status);
        Assert.Equal(2, (await client.ListAsync(Cancelled)).Count);

        await cluster.Workers[0].StartAsync(Cancelled);
        await client.WaitForNodesAsync(1, Cancelled);
        await client.AssertHoldsAsync("first.mp4", first, Cancelled);
        // One copy of two is acknowledged, and said to be one.
        Assert.Equal(1, await client.StoreAsync("alone.mp4", new MovieBytes(3, MiB), Cancelled));
        Assert.Equal(1, (await client.FactsAsync("alone.mp4", Cancelled))!.Copies);
        await cluster.Workers[1].StartAsync(Cancelled);
        await client.WaitForWholeAsync(3, Cancelled);
    }

    /// <summary>What is answered to a form of which nothing has come but the head of its file.</summary>
    private static async Task<string> BeginFormAsync(MdfsClient client, string name, int length)
    {
        using var connection = await RawConnection.OpenAsync(client.Master, Cancelled);
        await connection.WriteAsync(
            $"POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {client.Admin}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
            + $"--b\r\nContent-Disposition: form-data; name=\"movie\"; filename=\"{name}\"\r\n\r\n0123456789", Cancelled);
        return await connection.ReadToAsync("\r\n", Cancelled);
    }

    [Fact]
    public async Task A_disk_that_becomes_full_in_the_middle_of_an_upload_refuses_it_and_keeps_what_it_had()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A small disk is a tmpfs in a namespace of its own.");
        using var disk = await SmallDisk.TryMakeAsync(megabytes: 64, Cancelled);
        await using var cluster = await ProcessCluster.StartAsync(
            Cancelled, workers: 0, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:IdleTimeout", "00:01:00"), ("Mdfs:Worker:ReservedBytes", "0")]);
        await using var worker = disk.StartWorker(cluster);
        await cluster.Client.WaitForNodesAsync(1, Cancelled);
        var kept = new MovieBytes(1, 4 * MiB);
        Assert.Equal(1, await cluster.Client.StoreAsync("kept.mp4", kept, Cancelled));

        // Of one that says its length the room is set aside before.
        using var content = new PausedContent(new MovieBytes(2, 32 * MiB), pauseAt: 8 * MiB, announced: false);
        var upload = cluster.Client.PutAsync("too late.mp4", content, Cancelled);
        await content.Paused.WaitAsync(Cancelled);
        await Eventually.TrueAsync(() => disk.Incoming() > 0, "the upload is being written", MdfsClient.Patience, Cancelled);
        disk.Fill();
        content.GoOn();
        using (var refused = await upload) Assert.Equal((507, "no-space"), await ReadAsync(refused));
        await Eventually.TrueAsync(() => disk.Incoming() == 0, "nothing is left of it", MdfsClient.Patience, Cancelled);
        await cluster.Client.AssertHoldsAsync("kept.mp4", kept, Cancelled);

        disk.Empty();
        await Eventually.TrueAsync(
            async () => (await PutAsync(cluster.Client, "again.mp4", 32 * MiB, chunked: false)).Status == 201, "there is room again", MdfsClient.Patience, Cancelled);
        await cluster.Client.AssertHoldsAsync("kept.mp4", kept, Cancelled);
        Assert.Equal(["again.mp4", "kept.mp4"], (await cluster.Client.ListAsync(Cancelled)).Select(file => file.Name));
    }

    [Fact]
    public async Task A_disk_that_is_full_to_the_last_byte_refuses_up_front_goes_on_serving_and_deleting_its_trash_gives_way_and_uploads_go_elsewhere()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A small disk is a tmpfs in a namespace of its own.");
        using var disk = await SmallDisk.TryMakeAsync(megabytes: 64, Cancelled);
        await using var cluster = await ProcessCluster.StartAsync(
            Cancelled, workers: 1, started: 0, settings: [("Mdfs:Master:NodeTimeout", "00:00:05"), ("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:ReservedBytes", "0")]);
        var other = cluster.Workers[0];
        await using var worker = disk.StartWorker(cluster);
        await cluster.Client.WaitForNodesAsync(1, Cancelled);
        var client = cluster.Client;
        var kept = new MovieBytes(1, 4 * MiB);
        await client.StoreAsync("kept.mp4", kept, Cancelled);
        await client.StoreAsync("going.mp4", new MovieBytes(2, 20 * MiB), Cancelled);

        // Room that an upload was promised is its own before its first byte: what fills the disk meanwhile does not get it.
        using var content = new PausedContent(new MovieBytes(3, 16 * MiB), pauseAt: 2 * MiB);
        var upload = client.PutAsync("promised.mp4", content, Cancelled);
        await content.Paused.WaitAsync(Cancelled);
        await Eventually.TrueAsync(() => disk.Incoming() > 0, "the upload is being written", MdfsClient.Patience, Cancelled);
        // What the worker writes beside the bytes needs a little.
        disk.Fill(leave: 4 * MiB);
        content.GoOn();
        using (var stored = await upload) Assert.True(stored.IsSuccessStatusCode, await stored.Content.ReadAsStringAsync(Cancelled));
        disk.Fill("more");

        Assert.Equal((507, "no-space"), await PutAsync(client, "too much.mp4", 10 * MiB, chunked: false));
        await client.AssertHoldsAsync("kept.mp4", kept, Cancelled);
        await client.AssertHoldsAsync("promised.mp4", new MovieBytes(3, 16 * MiB), Cancelled);

        // A new master is obeyed, which has to be written down: else its copies would not count, and nothing could be deleted.
        await cluster.Master.KillAsync();
        await cluster.StartMasterAsync(Cancelled);
        await client.WaitForNodesAsync(1, Cancelled);
        await Eventually.TrueAsync(async () => (await client.FactsAsync("kept.mp4", Cancelled))?.Copies == 1, "its copies count", MdfsClient.Patience, Cancelled);
        // Until all workers of before have reported, or are given up, it says that it is not known yet what there is.
        await client.WaitForCatalogAsync(Cancelled);
        using (var deleted = await client.DeleteAsync("going.mp4", Cancelled)) Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Equal(1, (await client.AdminAsync("api/trash", Cancelled)).GetArrayLength());
        await Eventually.TrueAsync(async () => (await PutAsync(client, "fits.mp4", 15 * MiB, chunked: false)).Status == 201, "the trash gives way", MdfsClient.Patience, Cancelled);
        Assert.Equal(0, (await client.AdminAsync("api/trash", Cancelled)).GetArrayLength());
        await client.AssertHoldsAsync("kept.mp4", kept, Cancelled);

        disk.Fill("rest");
        await other.StartAsync();
        await client.WaitForNodesAsync(2, Cancelled);
        Assert.Equal((201, ""), await PutAsync(client, "elsewhere.mp4", 10 * MiB, chunked: false));
        Assert.Equal([other.Name], (await client.FactsAsync("elsewhere.mp4", Cancelled))!.Holders);
        await client.AssertHoldsAsync("kept.mp4", kept, Cancelled);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static async Task<(int Status, string Problem)> PutAsync(MdfsClient client, string name, long size, bool chunked)
    {
        using var content = new StreamContent(new MovieBytes(8, size).Open(), 256 * 1024);
        using var request = new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath(name)) { Content = content };
        request.Headers.Authorization = client.Admin;
        request.Headers.ExpectContinue = !chunked;
        if (chunked) request.Headers.TransferEncodingChunked = true;
        else content.Headers.ContentLength = size;
        using var response = await client.Http.SendAsync(request, Cancelled);
        return await ReadAsync(response);
    }

    private static async Task<(int Status, string Problem)> ReadAsync(HttpResponseMessage response)
    {
        var json = await response.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
        return ((int)response.StatusCode, json.TryGetProperty("type", out var type) ? type.GetString()!["urn:mdfs:problem:".Length..] : "");
    }
}
