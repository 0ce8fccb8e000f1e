using Mdfs.Gateway.Sources;
using Mdfs.Master;
using Mdfs.Master.Cluster;
using Mdfs.Master.Gateways;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>What a master counts of what front ends tell.</summary>
public sealed class FrontEndReportsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly NodeId _gateway = NodeId.New();
    private readonly FrontEnds _fronts;

    public FrontEndReportsTests() => _fronts = New();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_front_end_gives_after_it_was_idle_for_long_counts_like_anything_else()
    {
        Tell(_fronts, given: 1000, told: 0);
        _time.Advance(TimeSpan.FromHours(9));
        await _fronts.RunOnceAsync(Cancelled);
        // A short download, over before anybody was told that it had begun.
        Tell(_fronts, given: 1500, told: 1000);
        Assert.Equal(1500, _fronts.BytesGiven);
    }

    [Fact]
    public void What_another_master_was_told_is_not_counted_again()
    {
        Tell(_fronts, given: 1000, told: 0);
        var next = New();
        Tell(next, given: 1700, told: 1000);
        Assert.Equal(700, next.BytesGiven);
    }

    [Fact]
    public void A_report_whose_answer_was_lost_is_not_counted_twice()
    {
        Tell(_fronts, given: 1000, told: 0);
        Tell(_fronts, given: 1200, told: 0);
        Assert.Equal(1200, _fronts.BytesGiven);
    }

    [Fact]
    public void Of_an_older_front_end_that_does_not_say_what_it_told_only_what_is_new_for_sure_counts()
    {
        Tell(_fronts, given: 1000, told: null);
        Tell(_fronts, given: 1300, told: null);
        Assert.Equal(300, _fronts.BytesGiven);
    }

    private void Tell(FrontEnds fronts, long given, long? told) => fronts.Take(new GatewayReport(_gateway, [], [], given, [], told));

    private FrontEnds New() => new(new StreamCounter(), new NodeRegistry(Options.Create(new MasterOptions()), _time), _time, NullLogger<FrontEnds>.Instance);
}
