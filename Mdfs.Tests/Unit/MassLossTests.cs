using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>When half of the nodes fall silent at once nothing is copied for a while, and that while is not spoilt by nodes that have been away for long.</summary>
public sealed class MassLossTests
{
    private static readonly TimeSpan NodeTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Delay = TimeSpan.FromMinutes(5);

    private readonly FakeTimeProvider _time = new();
    private readonly Dictionary<int, long> _silentSince = [];
    private readonly HashSet<int> _unheard = [];
    private readonly MassLoss _loss;

    public MassLossTests() => _loss = new MassLoss(_time);

    [Fact]
    public void It_holds_up_once_more_though_one_of_the_first_time_has_not_come_back()
    {
        Fall(1, 2, 3);
        Assert.StartsWith("3 of 6 nodes", Look());
        Pass(Delay + TimeSpan.FromMinutes(1));
        Assert.Null(Look());
        Return(1, 2);
        Assert.Null(Look());
        Fall(1, 2, 4);
        Assert.StartsWith("3 of 5 nodes", Look());
        Return(1, 2, 4);
        Assert.Null(Look());
    }

    [Fact]
    public void Nodes_that_have_been_away_for_long_did_not_fall_silent_with_the_one_that_does_now()
    {
        Fall(1);
        Assert.Null(Look());
        Pass(TimeSpan.FromHours(1));
        Fall(2);
        Pass(TimeSpan.FromHours(1));
        Fall(3);
        Assert.Null(Look());
    }

    [Fact]
    public void Nodes_that_have_not_come_since_the_master_started_are_waited_for_as_long()
    {
        _unheard.UnionWith([1, 2, 3]);
        Fall(1, 2, 3);
        Pass(NodeTimeout);
        Assert.StartsWith("3 of 6 nodes", Look());
        Pass(Delay);
        Assert.Null(Look());
        Pass(TimeSpan.FromHours(1));
        Fall(4);
        Assert.Null(Look());
    }

    [Fact]
    public void It_is_over_as_soon_as_all_are_back_that_fell_silent()
    {
        Fall(6);
        Pass(TimeSpan.FromDays(7));
        Fall(1, 2, 3);
        Assert.NotNull(Look());
        Return(1, 2, 3);
        Assert.Null(Look());
    }

    [Fact]
    public void Others_that_fall_silent_before_its_time_is_over_are_waited_for_as_long_as_they_would_be_alone()
    {
        Fall(1, 2, 3);
        Assert.NotNull(Look());
        Pass(Delay - (2 * NodeTimeout));
        Fall(4, 5);
        Assert.NotNull(Look());
        Pass(NodeTimeout);
        Assert.StartsWith("5 of 6 nodes", Look());
        Pass(Delay - NodeTimeout);
        Assert.NotNull(Look());
        Pass(NodeTimeout);
        Assert.Null(Look());
        Pass(NodeTimeout);
        Assert.Null(Look());
    }

    [Fact]
    public void Those_whose_last_beats_came_a_little_later_are_the_same_fall()
    {
        Fall(1, 2, 3);
        Assert.NotNull(Look());
        foreach (var node in new[] { 4, 5 }) _silentSince[node] = _time.GetTimestamp();
        Pass(NodeTimeout);
        Assert.NotNull(Look());
        Pass(Delay - NodeTimeout);
        Assert.Null(Look());
    }

    private void Fall(params IEnumerable<int> nodes)
    {
        foreach (var node in nodes) _silentSince[node] = _time.GetTimestamp();
        _time.Advance(NodeTimeout);
    }

    private void Return(params IEnumerable<int> nodes)
    {
        foreach (var node in nodes) _silentSince.Remove(node);
    }

    private void Pass(TimeSpan time) => _time.Advance(time);

    private string? Look()
    {
        var view = Nodes.View([.. Enumerable.Range(1, 6).Select(node => Nodes.Node(node) with { Alive = !_silentSince.ContainsKey(node) })]);
        var activity = Enumerable.Range(1, 6).ToDictionary(
            Nodes.Id, node => new NodeActivity(0, _unheard.Contains(node) ? TimeSpan.MaxValue : _silentSince.TryGetValue(node, out var since) ? _time.GetElapsedTime(since) : TimeSpan.Zero));
        return _loss.Look(view, activity, NodeTimeout, Delay);
    }
}
