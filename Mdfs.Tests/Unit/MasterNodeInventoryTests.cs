using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Unit;

/// <summary>What is older never undoes what is newer, in whatever order it arrives (design, section 6).</summary>
public sealed class MasterNodeInventoryTests
{
    private readonly ReplicaIndex _index = new();
    private readonly NodeInventory _inventory;

    public MasterNodeInventoryTests() => _inventory = new NodeInventory(Nodes.Id(1), _index);

    [Fact]
    public void A_receipt_outlives_an_inventory_that_was_taken_before_it()
    {
        _inventory.Set(Movie(5), number: 8);
        Assert.NotNull(_inventory.TakePage(Page(number: 7, 0, last: true, Movie(4))));
        Assert.True(_inventory.Complete);
        Assert.NotNull(_inventory.Find(new MovieVersion(5)));
        Assert.Equal(2, _inventory.Count);
    }

    [Fact]
    public void A_removal_outlives_an_inventory_that_was_taken_before_it()
    {
        _inventory.Set(Movie(5), number: 3);
        _inventory.TakePage(Page(number: 7, 0, last: false, Movie(5)));
        _inventory.Remove(new MovieVersion(5), number: 8);
        _inventory.DropOld(upTo: 9);
        Assert.NotNull(_inventory.TakePage(Page(number: 7, 1, last: true, Movie(6))));
        Assert.Null(_inventory.Find(new MovieVersion(5)));
        Assert.Empty(_index.HoldersOf(new MovieVersion(5)));
        Assert.Single(_index.HoldersOf(new MovieVersion(6)));
    }

    [Fact]
    public void An_inventory_that_arrives_after_a_removal_was_forgotten_is_refused_if_it_was_taken_before()
    {
        _inventory.Set(Movie(5), number: 3);
        _inventory.Remove(new MovieVersion(5), number: 8);
        _inventory.DropOld(upTo: 9);
        Assert.Null(_inventory.TakePage(Page(number: 7, 0, last: true, Movie(5))));
        Assert.Null(_inventory.Find(new MovieVersion(5)));
        Assert.NotNull(_inventory.TakePage(Page(number: 10, 0, last: true, Movie(6))));
        Assert.True(_inventory.Complete);
    }

    [Fact]
    public void A_late_word_of_a_removal_does_not_make_it_older_than_it_was()
    {
        _inventory.Set(Movie(5), number: 1);
        _inventory.Remove(new MovieVersion(5), number: 9);
        _inventory.Remove(new MovieVersion(5), number: 6);
        Assert.False(_inventory.Set(Movie(5), number: 7));
        Assert.Null(_inventory.Find(new MovieVersion(5)));
    }

    [Fact]
    public void Pages_out_of_order_are_refused_and_the_next_inventory_counts()
    {
        Assert.NotNull(_inventory.TakePage(Page(1, 0, last: false, Movie(1))));
        Assert.Null(_inventory.TakePage(Page(1, 2, last: true, Movie(3))));
        Assert.Null(_inventory.TakePage(Page(1, 1, last: true, Movie(2))));
        Assert.False(_inventory.Complete);
        Assert.Equal(0, _inventory.Count);

        Assert.NotNull(_inventory.TakePage(Page(2, 0, last: false, Movie(1))));
        Assert.Null(_inventory.TakePage(Page(3, 1, last: true, Movie(2))));
        Assert.NotNull(_inventory.TakePage(Page(4, 0, last: false, Movie(1))));
        Assert.NotNull(_inventory.TakePage(Page(4, 1, last: true, Movie(2))));
        Assert.True(_inventory.Complete);
        Assert.Equal(2, _inventory.Count);
    }

    [Fact]
    public void A_replica_that_a_whole_inventory_does_not_name_is_gone()
    {
        _inventory.Set(Movie(1), number: 1);
        _inventory.Set(Movie(2), number: 1);
        _inventory.TakePage(Page(2, 0, last: true, Movie(2)));
        Assert.Empty(_index.HoldersOf(new MovieVersion(1)));
        Assert.Equal(1, _inventory.Count);
    }

    [Fact]
    public void Count_and_digest_follow_every_change()
    {
        var node = new SpeakingNode(1);
        var kept = Movie(2);
        var damaged = Movie(3) with { Damaged = true };
        _inventory.Set(Movie(1), number: 1);
        _inventory.Set(kept, number: 2);
        _inventory.Set(Movie(3), number: 2);
        _inventory.Set(damaged, number: 3);
        _inventory.Remove(new MovieVersion(1), number: 4);
        for (var i = 0; i < 5; i++) node.Beat();
        Assert.True(_inventory.AgreesWith(node.Beat(kept, damaged)));
        Assert.False(_inventory.AgreesWith(node.Beat(Movie(9))));
    }

    [Fact]
    public void A_beat_that_was_drawn_before_a_receipt_is_not_held_against_it()
    {
        var node = new SpeakingNode(1);
        var beat = node.Beat();
        _inventory.Set(Movie(1), number: beat.Number + 1);
        Assert.True(_inventory.AgreesWith(beat));
    }

    [Fact]
    public void What_a_beat_was_told_later_stands_against_a_word_that_comes_late()
    {
        _inventory.Set(Movie(1) with { Damaged = true }, number: 5);
        Assert.False(_inventory.Set(Movie(1), number: 4));
        for (var beat = 6; beat < 9; beat++) _inventory.DropOld(upTo: beat);
        // Its number is not remembered any more, and it is older than the beats all the same.
        Assert.False(_inventory.Set(Movie(1), number: 4));
        Assert.False(_inventory.Remove(new MovieVersion(1), number: 4));
        Assert.True(_inventory.Find(new MovieVersion(1))!.Damaged);
        Assert.True(_inventory.Set(Movie(1), number: 9));
        Assert.Equal(0, _inventory.Damaged);
    }

    [Fact]
    public void An_inventory_that_one_beat_has_overtaken_counts_and_does_not_undo_what_the_beat_has_told()
    {
        _inventory.Set(Movie(1), number: 2);
        _inventory.DropOld(upTo: 2);
        _inventory.Set(Movie(1) with { Damaged = true }, number: 8);
        _inventory.DropOld(upTo: 8);
        Assert.NotNull(_inventory.TakePage(Page(number: 7, 0, last: false, Movie(1))));
        for (var beat = 9; beat < 12; beat++) _inventory.DropOld(upTo: beat);
        Assert.NotNull(_inventory.TakePage(Page(number: 7, 1, last: true, Movie(2))));
        Assert.True(_inventory.Find(new MovieVersion(1))!.Damaged);
        Assert.False(_inventory.Find(new MovieVersion(2))!.Damaged);
        // One that was taken before all that is refused.
        for (var beat = 12; beat < 15; beat++) _inventory.DropOld(upTo: beat);
        Assert.Null(_inventory.TakePage(Page(number: 7, 0, last: true, Movie(1))));
    }

    [Fact]
    public void What_two_nodes_tell_differently_of_one_version_is_kept_as_each_has_told()
    {
        var other = new NodeInventory(Nodes.Id(2), _index);
        var (mine, theirs) = (Movie(1), SpeakingNode.Sealed("1.mp4", 1, "c", size: 77));
        _inventory.Set(mine, number: 1);
        other.Set(theirs, number: 1);
        Assert.Equal(mine, _inventory.Find(new MovieVersion(1)));
        Assert.Equal(theirs, other.Find(new MovieVersion(1)));
        Assert.Equal(Nodes.Id(2), Assert.Single(_index.CopiesOf(theirs.Replica)).Node);
        Assert.Equal(2, _index.HoldersOf(new MovieVersion(1)).Count);
        _inventory.Remove(new MovieVersion(1), number: 2);
        Assert.Equal(theirs, other.Find(new MovieVersion(1)));
        Assert.Equal(Nodes.Id(2), Assert.Single(_index.CopiesOf(theirs.Replica)).Node);
    }

    [Fact]
    public void A_new_life_begins_with_nothing()
    {
        _inventory.Set(Movie(1), number: 5);
        _inventory.TakePage(Page(6, 0, last: true, Movie(1)));
        _inventory.Clear();
        Assert.False(_inventory.Complete);
        Assert.Empty(_index.HoldersOf(new MovieVersion(1)));
        Assert.Empty(_index.Names);
        Assert.NotNull(_inventory.TakePage(Page(1, 0, last: true, Movie(1))));
    }

    private static InventoryPage Page(long number, int page, bool last, params IReadOnlyList<ReplicaReport> reports) =>
        new(Nodes.Id(1), "life", number, page, last, reports, []);

    private static ReplicaReport Movie(long version) => SpeakingNode.Sealed($"{version}.mp4", version, "c");
}
