using System.Net;
using Mdfs.Tests.Support;
using static Mdfs.Tests.Faults.RedisScenes;

namespace Mdfs.Tests.Faults;

/// <summary>Master, workers and Redis are killed under resumable uploads: what was acknowledged is there afterwards, and what becomes a movie is the movie.</summary>
public sealed class ResumableUploadFaultTests(ResumableUploadFaultTests.Fixture shared) : IClassFixture<ResumableUploadFaultTests.Fixture>
{
    private const int Size = 24 << 20;
    private const int Half = Size / 2;

    private static readonly MovieBytes _movie = new(31, Size);
    private static readonly byte[] _bytes = _movie.ToArray();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ProcessCluster Cluster => shared.Cluster;

    private TusClient Tus => new(Cluster.Client);

    [Fact]
    public async Task A_master_that_is_killed_in_the_middle_of_a_piece_takes_no_more_than_the_last_checkpoint_along()
    {
        var upload = await BeginAsync("master.mp4");
        using var patch = await BrokenPatch.StartAsync(Cluster.Client, upload, 0, Size, _bytes.AsMemory(0, Half));
        await ArrivedAsync(upload, Half - (1 << 20));
        await Cluster.Master.KillAsync();
        await Cluster.StartMasterAsync(Cancelled);

        var offset = await Tus.OffsetAsync(upload);
        Assert.InRange(offset, Half - (3 * Fixture.Checkpoint), Half);
        await FinishAsync(upload, offset);
        await AssertStoredAsync("master.mp4");
    }

    [Fact]
    public async Task A_worker_that_is_killed_in_the_middle_of_a_piece_is_left_out_and_its_copy_made_up_for()
    {
        var upload = await BeginAsync("worker.mp4");
        using var content = new PausedContent(_movie, Half);
        var patch = Tus.PatchAsync(upload, 0, content);
        await content.Paused.WaitAsync(Cancelled);
        await ArrivedAsync(upload, 1);
        var victim = Holders(upload)[0];
        await victim.KillAsync();
        content.GoOn();
        using (var answer = await patch) Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await Cluster.Client.AssertHoldsAsync("worker.mp4", _movie, Cancelled);

        await victim.StartAsync();
        await AssertStoredAsync("worker.mp4");
        await Eventually.TrueAsync(() => Holders(upload).Count == 0, "what it had of the upload is removed", MdfsClient.Patience, Cancelled);
        await Eventually.TrueAsync(async () => await Cluster.Client.MetricAsync("mdfs_repair_duration_seconds_count", Cancelled, missing: 0) > 0, "the time it took is told", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task When_all_its_workers_are_killed_an_upload_waits_for_them()
    {
        var upload = await BeginAsync("all workers.mp4");
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, Half));
        var victims = Holders(upload);
        foreach (var victim in victims) await victim.KillAsync();
        using (var patch = await Tus.PatchAsync(upload, Half, _bytes.AsMemory(Half, 1000))) Assert.Equal(HttpStatusCode.ServiceUnavailable, patch.StatusCode);
        Assert.Equal(Half, await Tus.OffsetAsync(upload));
        foreach (var victim in victims) await victim.StartAsync();
        await FinishAsync(upload, Half);
        await AssertStoredAsync("all workers.mp4");
    }

    [Fact]
    public async Task When_all_its_workers_have_lost_it_an_upload_is_gone()
    {
        var upload = await BeginAsync("lost.mp4");
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, Half));
        foreach (var victim in Holders(upload))
        {
            await victim.KillAsync();
            foreach (var file in Files(victim, upload)) File.Delete(file);
            await victim.StartAsync();
        }

        // Until they answer again nobody knows.
        await Eventually.TrueAsync(
            async () =>
            {
                using var patch = await Tus.PatchAsync(upload, Half, _bytes.AsMemory(Half, 1000));
                Assert.True(patch.StatusCode is HttpStatusCode.Gone or HttpStatusCode.ServiceUnavailable, $"{(int)patch.StatusCode}");
                return patch.StatusCode == HttpStatusCode.Gone;
            },
            "the upload is known to be gone", MdfsClient.Patience, Cancelled);
        using (var head = await Tus.HeadAsync(upload)) Assert.Equal(HttpStatusCode.Gone, head.StatusCode);
    }

    [Fact]
    public async Task Without_Redis_nothing_is_acknowledged_and_with_it_the_upload_goes_on_and_ends_although_the_last_answer_was_a_refusal()
    {
        var upload = await BeginAsync("redis.mp4");
        const int last = Size - 1000;
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, last));
        await Cluster.Redis.KillAsync();
        using (var patch = await Tus.PatchAsync(upload, last, _bytes.AsMemory(last))) Assert.Equal(HttpStatusCode.ServiceUnavailable, patch.StatusCode);
        await Cluster.Redis.StartAsync();
        await WritableAsync(Cluster);
        // All bytes are on the workers: asking makes the movie.
        Assert.Equal(Size, await Tus.OffsetAsync(upload));
        await AssertStoredAsync("redis.mp4");
    }

    [Fact]
    public async Task A_master_that_finds_an_older_Redis_believes_the_workers()
    {
        using var copy = new TempDirectory();
        var upload = await BeginAsync("went back.mp4");
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, 1 << 20));
        Assert.Equal(0, await Cluster.Redis.StopAsync(Cancelled));
        Copy(Cluster.RedisDirectory, copy["older"]);
        await Cluster.Redis.StartAsync();
        await WritableAsync(Cluster);
        await Tus.AppendAsync(upload, 1 << 20, _bytes.AsMemory(1 << 20, Half - (1 << 20)));
        // It tells the workers where it begins.
        await Tus.AppendAsync(upload, Half, _bytes.AsMemory(Half, 1000));

        await Cluster.Master.KillAsync();
        await Cluster.Redis.KillAsync();
        Directory.Delete(Cluster.RedisDirectory, recursive: true);
        Copy(copy["older"], Cluster.RedisDirectory);
        await Cluster.Redis.StartAsync();
        await Cluster.WaitForRedisAsync(Cancelled);
        await Cluster.StartMasterAsync(Cancelled);
        await Cluster.Client.WaitForNodesAsync(3, Cancelled);

        var offset = await Tus.OffsetAsync(upload);
        Assert.InRange(offset, Half, Half + 1000);
        await FinishAsync(upload, offset);
        await AssertStoredAsync("went back.mp4");
    }

    [Fact]
    public async Task A_wiped_Redis_is_filled_again_by_the_master_and_when_that_is_gone_too_the_upload_is_unknown()
    {
        var upload = await BeginAsync("wiped.mp4");
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, Half));
        await WipeAsync();
        await WritableAsync(Cluster);
        Assert.Equal(Half, await Tus.OffsetAsync(upload));

        await Cluster.Master.KillAsync();
        await WipeAsync();
        await Cluster.StartMasterAsync(Cancelled);
        await Cluster.Client.WaitForNodesAsync(3, Cancelled);
        using (var head = await Tus.HeadAsync(upload)) Assert.Equal(HttpStatusCode.NotFound, head.StatusCode);
        using (var patch = await Tus.PatchAsync(upload, Half, _bytes.AsMemory(Half))) Assert.Equal(HttpStatusCode.NotFound, patch.StatusCode);
        await WritableAsync(Cluster);
        upload = await BeginAsync("begun anew.mp4");
        await FinishAsync(upload, 0);
        await AssertStoredAsync("begun anew.mp4");
    }

    private async Task<string> BeginAsync(string name)
    {
        await Cluster.Client.WaitForNodesAsync(3, Cancelled);
        return await Tus.CreateAsync(name, Size);
    }

    /// <summary>As a client does that repeats what was answered 503, from where the upload then is.</summary>
    private Task FinishAsync(string upload, long offset) => Eventually.TrueAsync(
        async () =>
        {
            using var patch = await Tus.PatchAsync(upload, offset, _bytes.AsMemory((int)offset));
            if (patch.StatusCode is HttpStatusCode.NoContent) return true;
            Assert.True(patch.StatusCode is HttpStatusCode.ServiceUnavailable, $"{(int)patch.StatusCode} {await patch.Content.ReadAsStringAsync(Cancelled)}");
            using var head = await Tus.HeadAsync(upload);
            if (head.StatusCode == HttpStatusCode.OK) offset = TusClient.Number(head, "Upload-Offset")!.Value;
            return offset == Size;
        },
        "the upload is finished", MdfsClient.Patience, Cancelled);

    private async Task AssertStoredAsync(string name)
    {
        await Cluster.Client.AssertHoldsAsync(name, _movie, Cancelled);
        await Eventually.TrueAsync(async () => (await Cluster.Client.FactsAsync(name, Cancelled))!.Copies == 2, $"{name} has two copies", MdfsClient.Patience, Cancelled);
        Assert.All(await Cluster.Client.VerifyAsync(name, Cancelled), verdict => Assert.True(verdict.Valid));
    }

    private async Task WipeAsync()
    {
        await using var connection = await Cluster.ConnectRedisAsync();
        await connection.GetServers().Single().FlushAllDatabasesAsync();
    }

    private Task ArrivedAsync(string upload, long bytes) => Eventually.TrueAsync(
        () => Cluster.Workers.Count(worker => new FileInfo(Path.Combine(Cluster.WorkerDirectory(worker), "incoming", upload[^32..])) is { Exists: true } file && file.Length >= bytes) == 2,
        $"{bytes} bytes have arrived", MdfsClient.Patience, Cancelled);

    private List<ProcessNode> Holders(string upload) => [.. Cluster.Workers.Where(worker => Files(worker, upload).Any())];

    private IEnumerable<string> Files(ProcessNode worker, string upload) =>
        Directory.EnumerateFiles(Path.Combine(Cluster.WorkerDirectory(worker), "incoming"), upload[^32..] + "*");

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }

    /// <summary>One cluster of processes for all these scenes, each of which leaves it whole.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        public const int Checkpoint = 1 << 20;

        public ProcessCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Cluster = await ProcessCluster.StartAsync(
            TestContext.Current.CancellationToken, settings: [.. Unhurried, ("Mdfs:Master:UploadCheckpointBytes", $"{Checkpoint}"), ("Mdfs:Master:IdleTimeout", "00:00:20"), ("Mdfs:Worker:IdleTimeout", "00:00:20")]);

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
