using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mdfs.Master.Catalog;
using Mdfs.Master.Nodes;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Http;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>
/// Workers that take the bytes of a movie and do not confirm its commit (design, sections 2.1 and 4; docs/decisions/too-few-seals.md): nothing is
/// acknowledged with fewer copies than promised, nothing that stands is called undone, and nobody waits for ever.
/// </summary>
public sealed class FewSealsTests : IAsyncDisposable
{
    private readonly GarnetProcess _redis = new();
    private readonly List<(TransferFarSide Side, SpeakingNode Node)> _workers = [];
    private MasterRig? _rig;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_rig is not null) await _rig.DisposeAsync();
        foreach (var (side, _) in _workers) await side.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task The_second_copy_that_was_promised_is_waited_for()
    {
        await StartAsync(minimum: 2, commitWait: "00:00:30");
        var committed = new TaskCompletionSource<ReplicaDescription>(TaskCreationOptions.RunContinuationsAsynchronously);
        _workers[1].Side.OnSeal = (context, replica) =>
        {
            committed.TrySetResult(replica);
            return TransferFarSide.RefuseAsync(context, 503, "busy");
        };
        var storing = PutAsync();
        var replica = await committed.Task.WaitAsync(Cancelled);
        await Eventually.TrueAsync(() => _rig!.Get<FileCatalog>().Find(replica.Name) is not null, "the movie stands", MdfsClient.Patience, Cancelled);
        Assert.False(storing.IsCompleted);

        // It seals what it had prepared with its next beat.
        await BeatAsync(_workers[1].Node, new ReplicaReport(replica, Damaged: false, Verified: true));
        using var answer = await storing;
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal(2, (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("copies").GetInt32());
    }

    [Fact]
    public async Task Without_the_second_copy_nothing_is_acknowledged_and_the_answer_says_that_the_movie_stands()
    {
        await StartAsync(minimum: 2, commitWait: "00:00:01");
        _workers[1].Side.OnSeal = static (context, _) => TransferFarSide.RefuseAsync(context, 503, "busy");
        using var answer = await PutAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled);
        Assert.Equal("urn:mdfs:problem:too-few-copies", problem.GetProperty("type").GetString());
        Assert.Equal(1, problem.GetProperty("copies").GetInt32());

        var facts = await _rig!.Client.GetFromJsonAsync<JsonElement>("/api/files/film.mp4", Cancelled);
        Assert.Equal((1, problem.GetProperty("etag").GetString()), (facts.GetProperty("copies").GetInt32(), facts.GetProperty("etag").GetString()));
    }

    [Fact]
    public async Task A_commit_that_nobody_confirms_is_taken_back_and_a_frozen_Redis_does_not_hold_the_client()
    {
        await StartAsync(minimum: 1, commitWait: "00:00:02");
        foreach (var (side, _) in _workers) side.OnSeal = (context, _) =>
        {
            _redis.Freeze();
            return TransferFarSide.RefuseAsync(context, 503, "busy");
        };
        using (var answer = await PutAsync().WaitAsync(TimeSpan.FromSeconds(30), Cancelled))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal("urn:mdfs:problem:outcome-unknown", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("type").GetString());
        }

        _redis.Thaw();
        await Eventually.TrueAsync(() => _rig!.Get<NameLocks>().Count == 0, "it is settled", MdfsClient.Patience, Cancelled);
        using (var gone = await _rig!.Client.GetAsync("/api/files/film.mp4", Cancelled)) Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        foreach (var (side, _) in _workers) side.OnSeal = null;
        using var again = await PutAsync();
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
    }

    [Fact]
    public async Task A_commit_that_is_taken_back_tells_Redis_nothing_of_what_was_there_for_reading_alone()
    {
        await StartAsync(minimum: 1, commitWait: "00:00:05");
        var older = SpeakingNode.Sealed("film.mp4", 3, _workers[0].Node.ClusterId!);
        await BeatAsync(_workers[0].Node, older);
        await Eventually.TrueAsync(() => _rig!.Get<FileCatalog>().Find(older.Replica.Name) is not null, "it can be read", MdfsClient.Patience, Cancelled);
        Assert.True(_rig!.Get<CatalogSession>().NodesMayStillCome);
        foreach (var (side, _) in _workers) side.OnSeal = static (context, _) => TransferFarSide.RefuseAsync(context, 503, "busy");
        using (var answer = await PutAsync())
            Assert.Equal("urn:mdfs:problem:not-sealed", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("type").GetString());

        await using var redis = await ConnectionMultiplexer.ConnectAsync(_rig.Redis);
        Assert.Empty(await redis.GetDatabase().HashKeysAsync("mdfs:files"));
        Assert.Equal(older.Replica.Version, _rig.Get<FileCatalog>().Find(older.Replica.Name)?.Version);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_undeletion_whose_outcome_was_unknown_is_nobodys_open_upload_when_it_is_settled(bool stands)
    {
        await using var proxy = new RedisProxy(_redis.Port);
        await StartAsync(minimum: 1, commitWait: "00:00:02", proxy.Port);
        var trashed = SpeakingNode.Sealed("film.mp4", 5, _workers[0].Node.ClusterId!).Replica;
        _workers[0].Side.Trash = trashed;
        // What else is to be written down after the start is written now, and its transaction not taken for the commit's.
        await _rig!.Get<SessionWatch>().RunOnceAsync(Cancelled);
        _workers[0].Side.OnRestore = () => proxy.AtNextExec(() =>
        {
            proxy.Refuse();
            return Task.FromResult(ExecFate.Hold);
        });
        using (var answer = await _rig.Admin.PostAsync("/api/files/film.mp4/undelete", null, Cancelled).WaitAsync(TimeSpan.FromSeconds(30), Cancelled))
            Assert.Equal("urn:mdfs:problem:outcome-unknown", (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled)).GetProperty("type").GetString());
        Assert.True(_rig.Get<OpenUploads>().IsOpen(UploadId.Undeleting(trashed.Version)));

        if (stands) await proxy.ReleaseAsync(Cancelled);
        proxy.Accept();
        await Eventually.TrueAsync(() => _rig.Get<NameLocks>().Count == 0, "it is settled", MdfsClient.Patience, Cancelled);
        Assert.Equal(stands, _rig.Get<FileCatalog>().Find(trashed.Name) is not null);
        Assert.Equal(0, _rig.Get<OpenUploads>().Count);
    }

    private async Task StartAsync(int minimum, string commitWait, int? redis = null)
    {
        await _redis.InitializeAsync();
        _rig = await MasterRig.StartAtAsync(
            $"127.0.0.1:{redis ?? _redis.Port}", null, ("Mdfs:ClusterKey", TransferFarSide.ClusterKey), ("Mdfs:Master:MinWriteReplicas", $"{minimum}"), ("Mdfs:Master:CommitWait", commitWait),
            ("Mdfs:Master:NodeTimeout", "00:05:00"), ("Mdfs:Master:HealthCheckInterval", redis is null ? "00:00:02" : "00:05:00"));
        for (var number = 1; number <= 2; number++)
        {
            var side = await TransferFarSide.StartAsync();
            var node = new SpeakingNode(number, "life") { Id = side.Id, Address = side.Address.Address };
            (side.Epoch, side.Number) = (null, node.Draw);
            _workers.Add((side, node));
            await BeatAsync(node);
        }

        await _rig.Get<CatalogSession>().NameClusterAsync(allHaveSpoken: true, Cancelled);
        foreach (var (_, node) in _workers)
        {
            await BeatAsync(node);
            Assert.True(_rig.Get<BeatConversation>().TakePage(node.Inventory()).Accepted);
        }
    }

    private async Task BeatAsync(SpeakingNode node, params IReadOnlyList<ReplicaReport> changed) =>
        node.Hear(await _rig!.Get<BeatConversation>().AnswerAsync(node.Beat(changed), Cancelled));

    private Task<HttpResponseMessage> PutAsync() => _rig!.Admin.PutAsync("/api/files/film.mp4", new ByteArrayContent(new byte[100_000]), Cancelled);
}
