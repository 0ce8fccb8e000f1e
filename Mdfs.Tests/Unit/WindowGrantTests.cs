using Mdfs.Gateway.Sources;
using Mdfs.Master.Gateways;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit;

/// <summary>What a front end is given opens windows of one version on one worker, for hours, and nothing else.</summary>
public sealed class WindowGrantTests
{
    private const long Now = 1_700_000_000_000;

    private static readonly MovieVersion Version = new(17);
    private static readonly NodeTokens Tokens = new(new ClusterKeys("a cluster key of the tests"));
    private static readonly NodeId WorkerId = NodeId.New();
    private static readonly string Worker = WorkerId.Value;

    [Theory]
    [InlineData("/internal/replicas/17?from=0&length=10", TokenVerdict.Valid)]
    [InlineData("/internal/replicas/17?from=5&length=10&begun=true", TokenVerdict.Valid)]
    [InlineData("/internal/replicas/18?from=0&length=10", TokenVerdict.BadSignature)]
    [InlineData("/internal/replicas/17/verify", TokenVerdict.BadSignature)]
    [InlineData("/download?name=a.mp4", TokenVerdict.BadSignature)]
    public void It_opens_all_windows_of_its_version(string target, TokenVerdict verdict) => Assert.Equal(verdict, Check("GET", target));

    [Fact]
    public void It_opens_no_other_worker_no_other_purpose_and_no_other_method()
    {
        var target = Routes.Worker.WindowPath(Version, 0, 10);
        Assert.Equal(TokenVerdict.BadSignature, Check("POST", target));
        Assert.Equal(TokenVerdict.WrongReceiver, Tokens.Check(Grant(), NodePurpose.Window, "GET", target, NodeId.New().Value, Now, out _));
        foreach (var purpose in (NodePurpose[])[NodePurpose.Control, NodePurpose.Data, NodePurpose.Peer, NodePurpose.Gateway])
            Assert.Equal(TokenVerdict.WrongPurpose, Tokens.Check(Grant(), purpose, "GET", target, Worker, Now, out _));
    }

    [Fact]
    public void It_ends_and_only_it_may_live_so_long()
    {
        var target = Routes.Worker.WindowPath(Version, 0, 10);
        var life = (long)NodeTokens.MaxGrantLife.TotalMilliseconds;
        Assert.Equal(TokenVerdict.Valid, Tokens.Check(Grant(), NodePurpose.Window, "GET", target, Worker, Now + life, out _));
        Assert.Equal(TokenVerdict.Expired, Tokens.Check(Grant(), NodePurpose.Window, "GET", target, Worker, Now + life + 1, out _));
        Assert.Equal(TokenVerdict.Expired, Tokens.Check(Grant(), NodePurpose.Window, "GET", target, Worker, Now - 1, out _));
        var data = Tokens.Issue(NodePurpose.Data, "GET", target, NodeTokens.Master, Worker, 1, Now);
        Assert.Equal(TokenVerdict.Expired, Tokens.Check(data, NodePurpose.Data, "GET", target, Worker, Now + 60_000, out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(3_599_999)]
    public void A_worker_whose_clock_is_a_little_behind_takes_what_the_master_gives_at_any_moment_of_the_hour(long past)
    {
        var at = (Now / 3_600_000 * 3_600_000) + past;
        var given = new WindowGrants(Tokens, new MasterAt(at)).For(Version, [new ReplicaCandidate(new WorkerAddress(WorkerId, "http://worker:8081"), Damaged: false)]);
        foreach (var behind in (long[])[0, 50, 59_000])
            Assert.Equal(TokenVerdict.Valid, Tokens.Check(Assert.Single(given).Grant, NodePurpose.Window, "GET", Routes.Worker.WindowPath(Version, 0, 10), Worker, at - behind, out _));
    }

    private static string Grant() => Tokens.Grant(Routes.Worker.ReplicaPath(Version), Worker, 1, Now + (long)NodeTokens.MaxGrantLife.TotalMilliseconds);

    private static TokenVerdict Check(string method, string target) => Tokens.Check(Grant(), NodePurpose.Window, method, target, Worker, Now, out _);

    private sealed record MasterAt(long Now) : IMasterIdentity
    {
        public long Epoch => 1;
    }
}
