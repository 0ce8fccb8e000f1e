using Mdfs.Master.Events;
using Mdfs.Protocol.Names;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>What an admin can read of what has happened.</summary>
public sealed class ActivityLogTests
{
    private static readonly FileName Film = FileName.Parse("film.mp4");

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Healing_of_a_thousand_movies_is_told_in_a_few_lines_and_of_one_with_its_name()
    {
        var log = new ActivityLog(_time);
        log.Tally(ActivityKinds.Healed, Film, "worker-1", 700);
        log.CloseTallies();
        Assert.Empty(log.Page(10, null, []).Items);
        _time.Advance(ActivityTally.Quiet);
        log.CloseTallies();
        var one = Assert.Single(log.Page(10, null, []).Items);
        Assert.Equal(("film.mp4", "worker-1", 700L, (int?)null), (one.Name, one.Node, one.Size, one.Count));

        for (var i = 0; i < 1000; i++)
        {
            log.Tally(ActivityKinds.Healed, FileName.Parse($"{i}.mp4"), $"worker-{i % 2}", 10);
            _time.Advance(TimeSpan.FromSeconds(0.1));
            log.CloseTallies();
        }

        log.CloseTallies(all: true);
        var items = log.Page(100, null, []).Items;
        Assert.InRange(items.Count, 2, 5);
        Assert.Equal(1000, items.Sum(item => item.Count ?? 0));
        Assert.All(items.Where(item => item.Count is not null), item => Assert.Equal((null, null, $"{item.Count} movies"), (item.Name, item.Node, item.Detail)));
    }

    [Fact]
    public void Pages_go_back_in_time_and_meet_every_entry_once_also_those_of_one_moment()
    {
        var log = new ActivityLog(_time);
        for (var i = 0; i < 25; i++) log.Note(i % 5 == 0 ? ActivityKinds.Deleted : ActivityKinds.Uploaded, FileName.Parse($"{i}.mp4"));
        var met = new List<string?>();
        long? before = null;
        do
        {
            var page = log.Page(7, before, []);
            met.AddRange(page.Items.Select(item => item.Name));
            before = page.Next is { } next ? long.Parse(next) : null;
        }
        while (before is not null);

        Assert.Equal(Enumerable.Range(0, 25).Reverse().Select(i => $"{i}.mp4"), met);
        Assert.Equal(["20.mp4", "15.mp4"], log.Page(2, null, [ActivityKinds.Deleted]).Items.Select(item => item.Name));
    }

    [Fact]
    public void The_oldest_go_when_there_are_too_many_and_what_waits_for_Redis_is_bounded_as_well()
    {
        var log = new ActivityLog(_time);
        for (var i = 0; i < 2 * ActivityLog.MaxEntries; i++) log.Note(ActivityKinds.SignInFailed, detail: $"{i}");
        Assert.InRange(log.Page(int.MaxValue / 1024, null, []).Items.Count, ActivityLog.MaxEntries - 1, ActivityLog.MaxEntries + 1000);
        Assert.Equal(ActivityLog.MaxEntries, log.Unsaved(int.MaxValue).Count);
        Assert.Equal($"{2 * ActivityLog.MaxEntries - 1}", log.Page(1, null, []).Items[0].Detail);
    }

    [Fact]
    public void What_a_master_before_this_one_noted_comes_before_what_this_one_notes_even_when_the_clock_has_gone_back()
    {
        var before = new ActivityLog(_time);
        before.Note(ActivityKinds.Uploaded, Film);
        var after = new ActivityLog(new FakeTimeProvider(_time.GetUtcNow().AddHours(-1)));
        after.Recall([.. before.Unsaved(10), .. before.Unsaved(10), new ActivityEntry("no number", default, "x")]);
        after.Note(ActivityKinds.Deleted, Film);
        Assert.Equal([ActivityKinds.Deleted, ActivityKinds.Uploaded], after.Page(10, null, []).Items.Select(item => item.Kind));
    }
}
