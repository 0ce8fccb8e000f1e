using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Nodes;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>What Redis is told of who holds a movie goes with the movie, and is not lost while Redis is away.</summary>
public sealed class HolderHintsTests : OwnRedis
{
    private const string Ours = "0123456789abcdef0123456789abcdef";
    private static readonly FileName Film = FileName.Parse("film.mp4");
    private static readonly MovieVersion Version = new(5);

    private readonly ReplicaReport _film = SpeakingNode.Sealed(Film.Value, Version.Number, Ours);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hint_of_an_earlier_master_goes_when_its_movie_does()
    {
        await using (var rig = await StartMasterAsync())
        {
            rig.Get<HolderHints>().Note(Version);
            await rig.Get<HolderHints>().FlushAsync(Cancelled);
            Assert.Equal(1, await HintsAsync());
        }

        await using var next = await StartMasterAsync();
        await next.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(1, await HintsAsync());
        var catalog = next.Get<FileCatalog>();
        Assert.True(await next.Get<CatalogSession>().ApplyAsync(new CatalogChange { Remove = [Film], Highest = catalog.Highest }, Cancelled));
        await next.Get<Fixer>().RunOnceAsync(Cancelled);
        Assert.Equal(0, await HintsAsync());
    }

    [Fact]
    public async Task A_hint_that_could_not_be_written_is_written_when_Redis_is_back()
    {
        await using var proxy = new RedisProxy(Redis.Port);
        await using var rig = await StartMasterAsync($"127.0.0.1:{proxy.Port}");
        proxy.Refuse();
        rig.Get<HolderHints>().Note(Version);
        await rig.Get<HolderHints>().FlushAsync(Cancelled);
        proxy.Accept();
        Assert.Equal(0, await HintsAsync());
        await Eventually.TrueAsync(
            async () =>
            {
                await rig.Get<HolderHints>().FlushAsync(Cancelled);
                return await HintsAsync() == 1;
            },
            "the hint is written", MdfsClient.Patience, Cancelled);
    }

    private async Task<long> HintsAsync()
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(Redis.ConnectionString);
        return await connection.GetDatabase().HashLengthAsync("mdfs:holders");
    }

    /// <summary>Returns when it is certain that there is one movie, on one worker.</summary>
    private async Task<MasterRig> StartMasterAsync(string? redis = null)
    {
        var rig = await MasterRig.StartAtAsync(
            redis ?? Redis.ConnectionString, null, ("Mdfs:Master:NodeTimeout", "00:00:02"), ("Mdfs:Master:HealthCheckInterval", "00:00:00.1"), ("Mdfs:Master:RepairInterval", "01:00:00"));
        var conversation = rig.Get<BeatConversation>();
        var node = new SpeakingNode(1, $"life {Guid.NewGuid()}") { ClusterId = Ours };
        node.Hold(_film);
        await Eventually.TrueAsync(
            async () =>
            {
                var told = node.Hear(await conversation.AnswerAsync(node.Beat(), Cancelled));
                if (told.SendInventory) conversation.TakePage(node.Inventory());
                return rig.Get<FileCatalog>().Count == 1 && !rig.Get<CatalogSession>().IsUncertain && !rig.Get<NodeRegistry>().Replicas.HoldersOf(Version).IsEmpty;
            },
            "the movie is known", MdfsClient.Patience, Cancelled);
        return rig;
    }
}
