using System.Net;
using Mdfs.Cli.Server;
using Mdfs.Cli.Transfer;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Resumable uploads of which fewer workers have the bytes than MinWriteReplicas demands: the missing copies are made before the commit.</summary>
public sealed class ResumableReplicasTests(ResumableReplicasTests.Fixture shared) : IClassFixture<ResumableReplicasTests.Fixture>
{
    private const int Size = 300_000;
    private const int Third = Size / 3;

    private static readonly MovieBytes _movie = new(51, Size);
    private static readonly byte[] _bytes = _movie.ToArray();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private TusClient Tus => new(shared.Cluster.Client);

    [Fact]
    public async Task An_upload_that_went_on_without_a_worker_for_a_while_ends_with_all_copies()
    {
        await shared.Cluster.Client.WaitForNodesAsync(2, Cancelled);
        var upload = await Tus.CreateAsync("outage.mp4", Size);
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, Third));
        var away = shared.Cluster.Workers[1];
        await away.StopAsync(atOnce: true);
        await Tus.AppendAsync(upload, Third, _bytes.AsMemory(Third, Third));

        // While it is alone nothing is acknowledged, and nothing lost.
        using (var last = await Tus.PatchAsync(upload, 2 * Third, _bytes.AsMemory(2 * Third))) Assert.Equal(HttpStatusCode.ServiceUnavailable, last.StatusCode);
        await away.StartAsync(Cancelled);
        await FinishedAsync(upload);
        await AssertStoredAsync("outage.mp4");
    }

    [Fact]
    public async Task A_command_begins_anew_what_is_whole_and_over_because_the_name_was_taken_meanwhile()
    {
        const string name = "taken meanwhile.mp4";
        using var temp = new TempDirectory();
        var (client, movie) = (shared.Cluster.Client, new MovieBytes(53, ResumableUpload.Smallest));
        var (bytes, source) = (movie.ToArray(), FileSource.Of(name, new FileInfo(movie.WriteTo(temp[name]))));
        await client.WaitForNodesAsync(2, Cancelled);
        await client.WaitForCatalogAsync(Cancelled);
        var upload = await Tus.CreateAsync(name, bytes.Length, ("If-None-Match", "*"));
        using (var master = new MasterClient(client.Master, TestCluster.AdminKey)) new UnfinishedUploads(master.Url, temp["config/mdfs/uploads"]).Keep(source, upload.TrimStart('/'), onlyIfFree: true);
        await Tus.AppendAsync(upload, 0, bytes.AsMemory(0, Third));
        var away = shared.Cluster.Workers[1];
        await away.StopAsync(atOnce: true);
        using (var last = await Tus.PatchAsync(upload, Third, bytes.AsMemory(Third))) Assert.Equal(HttpStatusCode.ServiceUnavailable, last.StatusCode);
        await away.StartAsync(Cancelled);
        await client.WaitForNodesAsync(2, Cancelled);
        await client.StoreAsync(name, new MovieBytes(54, 1000), Cancelled);

        using var command = new MdfsCommand(temp.Path, client.Master, TestCluster.AdminKey);
        Assert.Equal("replaced", Assert.Single((await command.RunAsync("put", source.Path, "--json")).AssertEnded(0).Json).GetProperty("result").GetString());
        await client.AssertHoldsAsync(name, movie, Cancelled);
    }

    [Fact]
    public async Task A_worker_that_has_lost_an_upload_gets_it_from_another_that_has_it()
    {
        await shared.Cluster.Client.WaitForNodesAsync(2, Cancelled);
        var upload = await Tus.CreateAsync("lost.mp4", Size);
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, 2 * Third));
        await shared.Cluster.Workers[0].Services.GetRequiredService<AppendStore>().DiscardAsync(UploadId.TryParse(upload[^32..], out var id) ? id : throw new FormatException(upload));
        using (var last = await Tus.PatchAsync(upload, 2 * Third, _bytes.AsMemory(2 * Third))) Assert.True(last.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.ServiceUnavailable);
        await FinishedAsync(upload);
        await AssertStoredAsync("lost.mp4");
    }

    [Fact]
    public async Task A_worker_that_was_away_at_the_commit_removes_what_it_has_when_it_is_back()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, 3, ("Mdfs:Master:ReplicationFactor", "3"));
        var tus = new TusClient(cluster.Client);
        // All bytes are on all three before it is known that no more come.
        string upload;
        using (var created = await tus.PostAsync(null, ("Upload-Defer-Length", "1"), ("Upload-Metadata", TusClient.Metadata("away.mp4")))) upload = created.Headers.Location!.ToString();
        await tus.AppendAsync(upload, 0, _bytes);
        var away = cluster.Workers[2];
        var bytes = Path.Combine(cluster.Cluster.WorkerDirectory(away), "incoming");
        await away.StopAsync(atOnce: true);
        using (var last = await tus.PatchAsync(upload, Size, ReadOnlyMemory<byte>.Empty, ("Upload-Length", $"{Size}"))) Assert.Equal(HttpStatusCode.NoContent, last.StatusCode);
        Assert.True(IsThere());
        await away.StartAsync(Cancelled);
        await Eventually.TrueAsync(() => !IsThere(), "its bytes are gone", MdfsClient.Patience, Cancelled);
        await cluster.Client.AssertHoldsAsync("away.mp4", _movie, Cancelled);

        bool IsThere() => Directory.EnumerateFiles(bytes).Any(file => Path.GetFileName(file).Contains(upload[^32..], StringComparison.Ordinal));
    }

    /// <summary>As a client does that was answered 503.</summary>
    private Task FinishedAsync(string upload) => Eventually.TrueAsync(
        async () =>
        {
            using var head = await Tus.HeadAsync(upload);
            if (head.StatusCode == HttpStatusCode.OK) return TusClient.Number(head, "Upload-Offset") == Size;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, head.StatusCode);
            return false;
        },
        "the upload is finished", MdfsClient.Patience, Cancelled);

    private async Task AssertStoredAsync(string name)
    {
        await shared.Cluster.Client.AssertHoldsAsync(name, _movie, Cancelled);
        Assert.Equal([true, true], (await shared.Cluster.Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public TestCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Cluster = await TestCluster.StartAsync(
            TestContext.Current.CancellationToken, 2, settings: [("Mdfs:Master:MinWriteReplicas", "2")]);

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
