using System.Text.Json;
using System.Text.Json.Nodes;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit;

/// <summary>Neighbouring versions work together during an upgrade: what a newer one adds is ignored, and what an older one leaves out has its default.</summary>
public sealed class WireCompatibilityTests
{
    private static readonly Beat _beat = new()
    {
        Node = NodeId.Parse("5f686aedcc7b496b684dfa71f018cdf7"),
        Life = "life",
        Number = 7,
        Nonce = "nonce",
        Address = "http://worker:8081",
        Space = new NodeSpace(100, 60, 40, 0),
        Removed = [new MovieVersion(5)],
        Pulls = [new PullProgress(new MovieVersion(6), 1, 2)],
    };

    private static readonly BeatReply _reply = new() { Number = 1, Epoch = 2, ClusterId = "c", MasterTime = 3, ClusterAge = 4, HighestVersion = new MovieVersion(9) };

    [Fact]
    public void Fields_of_a_newer_version_are_ignored_at_every_depth()
    {
        var beat = JsonSerializer.SerializeToNode(_beat, WireJson.Default.Beat)!;
        AddUnknown(beat);
        var read = beat.Deserialize(WireJson.Default.Beat)!;
        Assert.Equal(JsonSerializer.Serialize(_beat, WireJson.Default.Beat), JsonSerializer.Serialize(read, WireJson.Default.Beat));

        var reply = JsonSerializer.SerializeToNode(_reply, WireJson.Default.BeatReply)!;
        AddUnknown(reply);
        Assert.Equal(JsonSerializer.Serialize(_reply, WireJson.Default.BeatReply), JsonSerializer.Serialize(reply.Deserialize(WireJson.Default.BeatReply)!, WireJson.Default.BeatReply));
    }

    [Fact]
    public void What_an_older_version_leaves_out_has_its_default()
    {
        var beat = JsonSerializer.Deserialize("""{"node":"5f686aedcc7b496b684dfa71f018cdf7","life":"l","number":1,"nonce":"n","address":"http://w:1","space":{"capacity":1,"free":1,"used":0,"inFlight":0}}""", WireJson.Default.Beat)!;
        Assert.Equal((0, null, 0), (beat.Epoch, beat.ClusterId, beat.Streams));
        Assert.Empty(beat.Changed ?? []);
        Assert.Equal((0, false), (beat.Protocol, beat.Leaving));
        var reply = JsonSerializer.Deserialize("""{"number":1,"epoch":2,"clusterId":"c","masterTime":3,"clusterAge":4,"highestVersion":9}""", WireJson.Default.BeatReply)!;
        Assert.Empty(reply.Orders ?? []);
        Assert.False(reply.Settled);
    }

    [Fact]
    public void Another_version_is_remarked_on_and_says_which_side_is_to_be_upgraded()
    {
        Assert.Null(WireVersion.Remark("Node a", WireVersion.Current));
        Assert.Contains("upgrade the other one", WireVersion.Remark("Node a", 0));
        Assert.Contains("upgrade this one", WireVersion.Remark("Node a", WireVersion.Current + 1));
    }

    private static void AddUnknown(JsonNode node)
    {
        if (node is JsonObject record)
        {
            foreach (var (_, value) in record.ToList())
            {
                if (value is not null) AddUnknown(value);
            }

            record["aFieldOfTheFuture"] = new JsonObject { ["with"] = new JsonArray(1, "parts") };
        }
        else if (node is JsonArray list)
        {
            foreach (var item in list.OfType<JsonNode>())
                AddUnknown(item);
        }
    }
}
