namespace Mdfs.Tests.Campaign;

/// <summary>A checker that cannot fail proves nothing: each thing that must never happen, made up, is found, and what is allowed is not.</summary>
public sealed class HistoryCheckerTests
{
    private const string Name = "movie.mp4";

    private readonly List<Change> _changes = [];
    private readonly List<Sight> _sights = [];

    [Fact]
    public void A_movie_that_is_read_as_it_was_stored_is_right()
    {
        Upload(0, 1, version: 10, size: 100);
        Saw(2, 10, 100);
        Upload(3, 4, version: 20, size: 200);
        Saw(5, 20, 200);
        Delete(6, 7, bound: 30);
        SawNothing(8);
        Undelete(9, 10, version: 40);
        Saw(11, 40, 200);
        AssertRight();
    }

    [Fact]
    public void An_acknowledged_movie_that_is_not_there_is_lost()
    {
        Upload(0, 1, version: 10, size: 100);
        SawNothing(2);
        AssertWrong("never deleted");
    }

    [Fact]
    public void A_movie_that_was_deleted_before_it_was_stored_again_is_lost_all_the_same()
    {
        Upload(0, 1, version: 10, size: 100);
        Delete(2, 3, bound: 20);
        Upload(4, 5, version: 30, size: 300);
        SawNothing(6);
        AssertWrong("never deleted");
    }

    [Fact]
    public void A_deletion_that_was_refused_explains_nothing()
    {
        Upload(0, 1, version: 10, size: 100);
        Add(Act.Delete, 2, 3, Ending.Refused, null, null);
        SawNothing(4);
        AssertWrong("never deleted");
    }

    [Fact]
    public void A_deletion_whose_outcome_is_unknown_may_have_happened_or_not()
    {
        Upload(0, 1, version: 10, size: 100);
        Add(Act.Delete, 2, 1000, Ending.Unknown, null, null);
        Saw(4, 10, 100);
        SawNothing(5);
        AssertRight();
    }

    [Fact]
    public void A_deletion_that_is_still_under_way_may_have_happened()
    {
        Upload(0, 1, version: 10, size: 100);
        Delete(2, 9, bound: 20);
        SawNothing(4);
        AssertRight();
    }

    [Fact]
    public void A_deleted_movie_that_is_read_again_has_risen_from_the_dead()
    {
        Upload(0, 1, version: 10, size: 100);
        Delete(2, 3, bound: 20);
        Saw(4, 10, 100);
        AssertWrong("Deleted, and read again");
    }

    [Fact]
    public void An_overwritten_movie_that_is_read_again_is_stale()
    {
        Upload(0, 1, version: 10, size: 100);
        Upload(2, 3, version: 20, size: 200);
        Saw(4, 10, 100);
        AssertWrong("Overwritten, and read again");
    }

    [Fact]
    public void What_is_overwritten_while_it_is_read_may_be_the_old_or_the_new()
    {
        Upload(0, 1, version: 10, size: 100);
        Upload(2, 9, version: 20, size: 200);
        Saw(4, 10, 100);
        Saw(5, 20, 200);
        AssertRight();
    }

    [Fact]
    public void An_old_version_is_stale_behind_a_resumable_upload_whose_version_nobody_was_told()
    {
        Upload(0, 1, version: 10, size: 100);
        Add(Act.ResumableUpload, 2, 3, Ending.Done, null, 200);
        Saw(4, 10, 100);
        AssertWrong("Overwritten, and read again");
    }

    [Fact]
    public void An_upload_that_was_refused_must_not_be_seen()
    {
        Add(Act.Upload, 0, 1, Ending.Refused, null, 100);
        Saw(2, 10, 100);
        AssertWrong("Nobody can have stored");
    }

    [Fact]
    public void An_upload_whose_outcome_is_unknown_may_be_seen_later()
    {
        Upload(0, 1, version: 10, size: 100);
        Add(Act.Upload, 2, 1000, Ending.Unknown, null, 200);
        Saw(4, 10, 100);
        Saw(5, 20, 200);
        AssertRight();
    }

    [Fact]
    public void A_version_has_one_content()
    {
        Add(Act.Upload, 0, 1000, Ending.Unknown, null, 100);
        Add(Act.Upload, 0, 1000, Ending.Unknown, null, 200);
        Saw(2, 10, 100);
        Saw(3, 10, 200);
        AssertWrong("and here others");
    }

    [Fact]
    public void Nobody_sees_what_is_stored_only_later()
    {
        Saw(0, 10, 100);
        Upload(2, 3, version: 10, size: 100);
        AssertWrong("Nobody can have stored");
    }

    [Fact]
    public void An_undeletion_brings_back_only_what_there_was()
    {
        Undelete(0, 1, version: 10);
        Saw(2, 10, 100);
        AssertWrong("Nobody can have stored");
    }

    [Fact]
    public void Versions_follow_the_order_of_answers()
    {
        Upload(0, 1, version: 20, size: 100);
        Upload(2, 3, version: 10, size: 200);
        AssertWrong("was given after");
    }

    private void Upload(int start, int end, long version, long size) => Add(Act.Upload, start, end, Ending.Done, version, size);

    private void Delete(int start, int end, long bound) => Add(Act.Delete, start, end, Ending.Done, bound, null);

    private void Undelete(int start, int end, long version) => Add(Act.Undelete, start, end, Ending.Done, version, null);

    private void Add(Act act, int start, int end, Ending ending, long? version, long? size) =>
        _changes.Add(new Change(_changes.Count + 1, Name, act, TimeSpan.FromSeconds(start), TimeSpan.FromSeconds(end), ending, version, size, null, ""));

    private void Saw(double at, long version, long size) => _sights.Add(new Sight(Name, TimeSpan.FromSeconds(at), TimeSpan.FromSeconds(at + 0.5), version, size, ""));

    private void SawNothing(double at) => _sights.Add(new Sight(Name, TimeSpan.FromSeconds(at), TimeSpan.FromSeconds(at + 0.5), null, null, ""));

    private void AssertRight() => Assert.Empty(HistoryChecker.Check(_changes, _sights));

    private void AssertWrong(string what) => Assert.Contains(what, Assert.Single(HistoryChecker.Check(_changes, _sights)), StringComparison.Ordinal);
}
