using Mdfs.Master;
using Mdfs.Master.Catalog;
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
    public void A_census_is_whole_when_all_have_told_and_changes_with_whoever_comes_goes_or_begins_anew()
    {
        Beats(1);
        Beats(2);
        Tells(1, 1);
        Assert.Null(_registry.Census);
        Tells(2, 1);
        var census = _registry.Census!;
        Assert.Equal(census, _registry.Census);

        lock (_registry.Gate) _registry.Find(Nodes.Id(1))!.Inventory.Clear();
        Assert.Null(_registry.Census);
        Tells(1, 2);
        Assert.NotEqual(census, census = _registry.Census!);
        lock (_registry.Gate) _registry.Find(Nodes.Id(2))!.ClosedForWrites = "dying";
        Assert.NotEqual(census, census = _registry.Census!);
        lock (_registry.Gate) _registry.Find(Nodes.Id(2))!.Life = "another life";
        Assert.NotEqual(census, census = _registry.Census!);
        lock (_registry.Gate) _registry.Leave(_registry.Find(Nodes.Id(2))!, null);
        Assert.NotEqual(census, _registry.Census);
    }

    [Fact]
    public void A_silent_node_is_missed_for_a_while_one_that_is_expected_longer_and_one_that_drains_not_at_all()
    {
        var patience = Timeout * 10;
        Beats(1);
        Beats(2);
        Assert.False(_registry.MissesSomebody(patience));
        lock (_registry.Gate) _registry.Find(Nodes.Id(1))!.Alive = false;
        Assert.True(_registry.MissesSomebody(patience));
        _registry.SetDraining(Nodes.Id(1), true);
        Assert.False(_registry.MissesSomebody(patience));
        _registry.SetDraining(Nodes.Id(1), false);
        _time.Advance(patience);
        Assert.False(_registry.MissesSomebody(patience));
        _registry.SetMaintenance(Nodes.Id(1), 100);
        Assert.True(_registry.MissesSomebody(patience));
    }

    [Fact]
    public void A_node_that_is_known_and_has_not_been_heard_is_missed_from_the_start_on()
    {
        _registry.Listen();
        _registry.Remember([new NodeRecord(Nodes.Id(1), "worker1", null, "http://worker1:8080", null, null, false, 0)]);
        Assert.True(_registry.MissesSomebody(Timeout));
        _time.Advance(Timeout);
        Assert.False(_registry.MissesSomebody(Timeout));
    }

    [Fact]
    public void What_is_placed_counts_until_the_next_beat_and_what_came_to_nothing_does_not()
    {
        Beats(1);
        var stored = _registry.Promise(Nodes.Id(1), 100);
        var failed = _registry.Promise(Nodes.Id(1), 30);
        var unknown = _registry.Promise(Nodes.Id(1), 0);
        Assert.Equal(130, Load());
        // It is there now, and no beat has told so yet.
        _registry.Settle(stored, 100);
        Assert.Equal(130, Load());
        _registry.Settle(failed, 0);
        Assert.Equal(100, Load());
        _registry.Settle(unknown, 7);
        Assert.Equal(107, Load());
        Assert.Equal(107, _registry.View.Find(Nodes.Id(1))!.Pending);
    }

    [Fact]
    public void A_promise_that_a_beat_has_told_of_is_nobody_elses_when_it_ends()
    {
        Beats(1);
        var early = _registry.Promise(Nodes.Id(1), 100);
        Told(2, used: 0, inFlight: 100);
        Assert.Equal(100, Load());
        var late = _registry.Promise(Nodes.Id(1), 30);
        _registry.Settle(early, 0);
        Assert.Equal(130, Load());
        _registry.Settle(late, 30);
        Told(3, used: 30, inFlight: 0);
        Assert.Equal(30, Load());
        // The node was forgotten meanwhile.
        var last = _registry.Promise(Nodes.Id(1), 5);
        lock (_registry.Gate) _registry.Forget(Nodes.Id(1));
        _registry.Settle(last, 0);
        Assert.Equal(default, _registry.Promise(Nodes.Id(1), 5));
    }

    private long Load() => _registry.View.Find(Nodes.Id(1))!.Load;

    /// <summary>As a beat is taken in.</summary>
    private void Told(long number, long used, long inFlight)
    {
        lock (_registry.Gate)
        {
            var state = _registry.Find(Nodes.Id(1))!;
            (state.LastNumber, state.Space, state.Pending) = (number, new NodeSpace(1000, 1000 - used - inFlight, used, inFlight), 0);
            _registry.Publish();
        }
    }

    private void Tells(int number, long at)
    {
        lock (_registry.Gate) _registry.Find(Nodes.Id(number))!.Inventory.TakePage(new InventoryPage(Nodes.Id(number), "life", at, 0, true, [], []));
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
