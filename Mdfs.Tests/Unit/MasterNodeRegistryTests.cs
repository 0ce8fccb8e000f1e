using Mdfs.Master;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>Who is alive, by a clock that the test moves (design, section 6).</summary>
public sealed class MasterNodeRegistryTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly NodeRegistry _registry;

    public MasterNodeRegistryTests() => _registry = new NodeRegistry(Options.Create(new MasterOptions()), _time);

    [Fact]
    public void A_node_is_out_after_fifteen_seconds_of_silence_and_not_before()
    {
        Beats(1);
        Beats(2);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            _time.Advance(Check);
            Beats(2);
            Assert.Empty(_registry.DropSilent());
        }

        _time.Advance(Check);
        Beats(2);
        Assert.Equal([Nodes.Id(1)], _registry.DropSilent());
        Assert.False(_registry.View.Find(Nodes.Id(1))!.Alive);
        Assert.Equal(10, _registry.View.Ring.Size);
    }

    [Fact]
    public void A_check_that_ran_late_gives_every_node_one_more_period()
    {
        Beats(1);
        _registry.DropSilent();
        // The master was frozen for a minute: whoever beat meanwhile was not heard.
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(_registry.DropSilent());
        _time.Advance(Check);
        Assert.Empty(_registry.DropSilent());
        _time.Advance(Check);
        Assert.Equal([Nodes.Id(1)], _registry.DropSilent());
    }

    [Fact]
    public void The_ring_is_built_anew_only_when_its_members_change()
    {
        Beats(1);
        Beats(2);
        var ring = _registry.View.Ring;
        lock (_registry.Gate)
        {
            _registry.Find(Nodes.Id(1))!.Space = new NodeSpace(100, 50, 50, 0);
            _registry.Publish();
        }

        Assert.Equal(50, _registry.View.Find(Nodes.Id(1))!.Space.Used);
        Assert.Same(ring, _registry.View.Ring);
        Beats(3);
        Assert.NotSame(ring, _registry.View.Ring);
        Assert.Equal(30, _registry.View.Ring.Size);
    }

    [Fact]
    public void Nothing_is_called_missing_before_a_period_in_which_beats_could_be_heard()
    {
        // Loading took longer than the period.
        _time.Advance(TimeSpan.FromMinutes(2));
        _registry.Listen();
        Assert.False(_registry.Settled);
        _time.Advance(Timeout);
        Assert.True(_registry.Settled);
    }

    [Fact]
    public void A_node_whose_inventory_is_on_its_way_is_waited_for_but_not_for_ever()
    {
        Beats(1);
        Assert.True(_registry.AwaitsInventory);
        lock (_registry.Gate) _registry.Find(Nodes.Id(1))!.Inventory.TakePage(new InventoryPage(Nodes.Id(1), "life", 1, 0, true, [], []));
        Assert.False(_registry.AwaitsInventory);

        Beats(2);
        Assert.True(_registry.AwaitsInventory);
        _time.Advance(Timeout);
        Assert.False(_registry.AwaitsInventory);
    }

    [Fact]
    public void Promises_are_taken_back_and_never_below_nothing()
    {
        Beats(1);
        _registry.Promise(Nodes.Id(1), 100);
        Assert.Equal(100, _registry.View.Find(Nodes.Id(1))!.Pending);
        _registry.Promise(Nodes.Id(1), -100);
        Assert.Equal(0, _registry.View.Find(Nodes.Id(1))!.Pending);
        // The node was forgotten and came back in between.
        _registry.Promise(Nodes.Id(1), -100);
        Assert.Equal(0, _registry.View.Find(Nodes.Id(1))!.Pending);
    }

    private void Beats(int number)
    {
        lock (_registry.Gate)
        {
            var state = _registry.FindOrAdd(Nodes.Id(number), $"http://worker{number}:8080");
            state.LastBeat = _time.GetTimestamp();
            if (state.Alive) return;
            state.Life = "life";
            state.Began = _time.GetTimestamp();
            _registry.Revive(state);
        }
    }
}
