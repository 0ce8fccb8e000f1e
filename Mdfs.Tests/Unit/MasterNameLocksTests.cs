using Mdfs.Master.Catalog;
using Mdfs.Protocol.Names;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>One at a time per name, and nothing is left of a lock that nobody holds.</summary>
public sealed class MasterNameLocksTests
{
    private static readonly FileName Film = FileName.Parse("film.mp4");
    private readonly NameLocks _locks = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_many_who_want_one_name_only_one_is_inside_and_all_get_their_turn()
    {
        var inside = 0;
        var turns = 0;
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                using var held = await _locks.AcquireAsync(Film, Cancelled);
                Assert.Equal(1, Interlocked.Increment(ref inside));
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                Interlocked.Increment(ref turns);
            }
        }, Cancelled)));
        Assert.Equal(32 * 50, turns);
        Assert.Equal(0, _locks.Count);
    }

    [Fact]
    public async Task Names_do_not_wait_for_one_another()
    {
        using var film = await _locks.AcquireAsync(Film, Cancelled);
        using var other = _locks.TryAcquire(FileName.Parse("other.mp4"));
        Assert.NotNull(other);
        Assert.Null(_locks.TryAcquire(Film));
        Assert.True(_locks.IsHeld(Film));
    }

    [Fact]
    public async Task Who_stops_waiting_leaves_nothing_behind()
    {
        var held = await _locks.AcquireAsync(Film, Cancelled);
        using var patience = new CancellationTokenSource();
        var waiting = _locks.AcquireAsync(Film, patience.Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        var time = new FakeTimeProvider();
        var limited = _locks.AcquireWithinAsync(Film, TimeSpan.FromSeconds(60), time);
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Null(await limited);

        held.Dispose();
        Assert.False(_locks.IsHeld(Film));
        Assert.Equal(0, _locks.Count);
    }

    [Fact]
    public async Task Giving_a_lock_back_twice_does_not_free_the_next_holders()
    {
        var first = await _locks.AcquireAsync(Film, Cancelled);
        first.Dispose();
        using var second = await _locks.AcquireAsync(Film, Cancelled);
        first.Dispose();
        Assert.Null(_locks.TryAcquire(Film));
    }
}
