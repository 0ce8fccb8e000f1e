using Mdfs.Master.Catalog;
using Mdfs.Master.Nodes;
using Mdfs.Protocol.Names;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>What is read already and not judged yet (docs/decisions/rebuilding.md) is nothing that Redis may be told.</summary>
public sealed class ProvisionalEntryTests
{
    private const string Ours = "0123456789abcdef0123456789abcdef";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_Redis_that_is_emptied_while_nodes_still_come_is_not_given_what_was_taken_over_for_reading_alone()
    {
        await using var rig = await MasterRig.StartAsync(null, ("Mdfs:Master:NodeTimeout", "00:05:00"), ("Mdfs:Master:HealthCheckInterval", "00:10:00"));
        var session = rig.Get<CatalogSession>();
        var conversation = rig.Get<BeatConversation>();
        var node = new SpeakingNode(1) { ClusterId = Ours };
        node.Hold(SpeakingNode.Sealed("film.mp4", 5, Ours));
        for (var i = 0; i < 2; i++) node.Hear(await conversation.AnswerAsync(node.Beat(), Cancelled));
        Assert.True(conversation.TakePage(node.Inventory()).Accepted);
        await Eventually.TrueAsync(() => rig.Get<FileCatalog>().Count == 1, "the movie can be read", MdfsClient.Patience, Cancelled);
        Assert.True(session.NodesMayStillCome);

        await using var redis = await ConnectionMultiplexer.ConnectAsync(rig.Redis + ",allowAdmin=true");
        await redis.GetServers().Single().FlushAllDatabasesAsync();
        await session.CheckAsync(Cancelled);
        Assert.Equal(1, session.Restores);
        Assert.Empty(await redis.GetDatabase().HashKeysAsync("mdfs:files"));
        Assert.NotNull(rig.Get<FileCatalog>().Find(FileName.Parse("film.mp4")));
    }
}
