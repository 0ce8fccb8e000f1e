using Mdfs.Gateway.Sources;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Mdfs.Tests.Unit;

public sealed class TransferSourceRotationTests
{
    private static readonly WorkerAddress A = new(NodeId.New(), "http://a");
    private static readonly WorkerAddress B = new(NodeId.New(), "http://b");
    private static readonly WorkerAddress C = new(NodeId.New(), "http://c");

    private readonly FakeTimeProvider _time = new();
    private readonly StreamCounter _streams = new();
    private readonly RecentTrouble _trouble;

    private readonly SourcePaces _paces;

    public TransferSourceRotationTests()
    {
        _trouble = new RecentTrouble(_time);
        _paces = new SourcePaces(_time);
    }

    [Fact]
    public void The_fewest_streams_come_first_and_the_list_decides_between_equals()
    {
        using var one = _streams.Enter(A.Id);

        Assert.Equal([B, C, A], Order(Rotation(A, B, C), 3));
    }

    [Fact]
    public void A_worker_that_has_just_failed_somebody_comes_last_for_a_while_even_with_no_stream_at_all()
    {
        using var busy = _streams.Enter(B.Id);
        _trouble.Note(A.Id);
        Assert.Equal([B, A], Order(Rotation(A, B), 2));

        _time.Advance(RecentTrouble.Memory);
        Assert.Equal([A, B], Order(Rotation(A, B), 2));

        _trouble.Note(A.Id);
        _trouble.Clear(A.Id);
        Assert.Equal([A, B], Order(Rotation(A, B), 2));
    }

    [Fact]
    public void A_damaged_copy_comes_after_the_whole_ones_and_before_those_that_cannot_be_reached()
    {
        using var busy = _streams.Enter(B.Id);
        _trouble.Note(C.Id);

        Assert.Equal([B, A, C], Order(Rotation(new ReplicaCandidate(A, Damaged: true), C, B), 3));
    }

    [Fact]
    public void A_failed_one_has_its_second_turn_after_all_others_had_their_first_and_no_third()
    {
        var rotation = Rotation(A, B);

        Assert.Equal([A, B, A, B], Order(rotation, 4));
        Assert.Null(Next(rotation));
    }

    [Fact]
    public void One_that_refused_is_not_asked_again()
    {
        var rotation = Rotation(A, B);
        Next(rotation);
        rotation.Failed(0, mayPass: false);

        Assert.Equal([B, B], Order(rotation, 2));
        Assert.Null(Next(rotation));
    }

    [Fact]
    public void A_good_piece_lets_all_be_asked_again_the_others_first()
    {
        var rotation = Rotation(A, B);
        Assert.Equal([A, B, A], Order(rotation, 3));
        rotation.Failed(SourceRotation.GoodPiece, mayPass: true);

        Assert.Equal([B, A, B], Order(rotation, 3));
        Assert.Null(Next(rotation));
    }

    [Fact]
    public void Second_turns_are_announced_so_that_a_restarting_worker_is_given_a_moment()
    {
        var rotation = Rotation(A);
        var first = Next(rotation);
        rotation.Failed(0, mayPass: true);
        var second = Next(rotation);

        Assert.False(first!.Value.Again);
        Assert.True(second!.Value.Again);
    }

    [Fact]
    public void A_window_given_back_by_a_reader_who_paused_is_nobodys_turn()
    {
        var rotation = Rotation(A);
        for (var night = 0; night < 5; night++)
        {
            Assert.False(Next(rotation)!.Value.Again);
            rotation.GivenBack();
        }
    }

    [Fact]
    public void A_copy_that_was_made_meanwhile_is_found_and_one_that_was_given_up_is_not_asked()
    {
        List<ReplicaCandidate> now = [A];
        var rotation = new SourceRotation(SourceLists.Known(() => now), _streams, _trouble, _paces);
        Next(rotation);
        rotation.Failed(0, mayPass: true);
        now = [C];

        Assert.Equal([C, C], Order(rotation, 2));
        Assert.Null(Next(rotation));
    }

    [Theory]
    [InlineData(100_000, null, true)] // no movie plays at that, and of the other nothing is known
    [InlineData(200_000, null, false)]
    [InlineData(200_000, 1_700_000.0, true)]
    [InlineData(200_000, 1_500_000.0, false)]
    [InlineData(100_000, 100_000.0, false)] // all are slow: the network is, and nobody is to blame
    public void A_source_is_left_for_one_that_is_far_better_and_for_no_other(double rate, double? other, bool leaves)
    {
        if (other is { } known) _paces.Note(B.Id, known);
        var rotation = Rotation(A, B);
        Next(rotation);

        Assert.Equal(leaves, IsWorthLeaving(rotation, rate));

        _trouble.Note(B.Id);
        Assert.False(IsWorthLeaving(rotation, rate));
        var alone = Rotation(A);
        Next(alone);
        Assert.False(IsWorthLeaving(alone, rate));
    }

    [Fact]
    public void Sources_that_are_all_slow_are_not_left_for_ever()
    {
        var rotation = Rotation(A, B);
        var turns = 0;
        while (Next(rotation) is not null && IsWorthLeaving(rotation, 1))
        {
            rotation.Failed(1000, mayPass: true);
            turns++;
        }

        Assert.InRange(turns, 1, 3);
    }

    [Fact]
    public void Streams_are_counted_until_they_end_whatever_the_threads_do()
    {
        Parallel.For(0, 10_000, i =>
        {
            var place = _streams.Enter(i % 2 == 0 ? A.Id : B.Id);
            place.Dispose();
            place.Dispose();
        });
        using var last = _streams.Enter(A.Id);

        Assert.Equal(1, _streams.OnNode(A.Id));
        Assert.Equal(0, _streams.OnNode(B.Id));
    }

    private SourceRotation Rotation(params ReplicaCandidate[] candidates) => new(SourceLists.Known(() => candidates), _streams, _trouble, _paces);

    // Lists that nobody has to be asked for are there at once.
    private static SourceTurn? Next(SourceRotation rotation) => Now(rotation.NextAsync(CancellationToken.None));

    private static bool IsWorthLeaving(SourceRotation rotation, double rate) => Now(rotation.IsWorthLeavingAsync(rate, CancellationToken.None));

    private static T Now<T>(ValueTask<T> answer)
    {
        Assert.True(answer.IsCompletedSuccessfully);
        return answer.GetAwaiter().GetResult();
    }

    private static List<WorkerAddress> Order(SourceRotation rotation, int count)
    {
        var order = new List<WorkerAddress>();
        while (count-- > 0 && Next(rotation) is { } turn)
        {
            order.Add(turn.Source.Worker);
            if (count > 0) rotation.Failed(0, mayPass: true);
        }
        return order;
    }
}
