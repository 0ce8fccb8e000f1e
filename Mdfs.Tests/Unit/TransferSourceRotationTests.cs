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

    public TransferSourceRotationTests() => _trouble = new RecentTrouble(_time);

    [Fact]
    public void The_fewest_streams_come_first_and_the_list_decides_between_equals()
    {
        using var one = _streams.Enter(A.Id);

        Assert.Equal([B, C, A], Order(new SourceRotation([A, B, C], _streams, _trouble), 3));
    }

    [Fact]
    public void A_worker_that_has_just_failed_somebody_comes_last_for_a_while_even_with_no_stream_at_all()
    {
        using var busy = _streams.Enter(B.Id);
        _trouble.Note(A.Id);
        Assert.Equal([B, A], Order(new SourceRotation([A, B], _streams, _trouble), 2));

        _time.Advance(RecentTrouble.Memory);
        Assert.Equal([A, B], Order(new SourceRotation([A, B], _streams, _trouble), 2));

        _trouble.Note(A.Id);
        _trouble.Clear(A.Id);
        Assert.Equal([A, B], Order(new SourceRotation([A, B], _streams, _trouble), 2));
    }

    [Fact]
    public void A_damaged_copy_comes_after_the_whole_ones_and_before_those_that_cannot_be_reached()
    {
        using var busy = _streams.Enter(B.Id);
        _trouble.Note(C.Id);

        Assert.Equal([B, A, C], Order(new SourceRotation([new ReplicaCandidate(A, Damaged: true), C, B], _streams, _trouble), 3));
    }

    [Fact]
    public void A_failed_one_has_its_second_turn_after_all_others_had_their_first_and_no_third()
    {
        var rotation = new SourceRotation([A, B], _streams, _trouble);

        Assert.Equal([A, B, A, B], Order(rotation, 4));
        Assert.False(rotation.TryNext(out _, out _));
    }

    [Fact]
    public void One_that_refused_is_not_asked_again()
    {
        var rotation = new SourceRotation([A, B], _streams, _trouble);
        rotation.TryNext(out _, out _);
        rotation.Failed(0, mayPass: false);

        Assert.Equal([B, B], Order(rotation, 2));
        Assert.False(rotation.TryNext(out _, out _));
    }

    [Fact]
    public void A_good_piece_lets_all_be_asked_again_the_others_first()
    {
        var rotation = new SourceRotation([A, B], _streams, _trouble);
        Assert.Equal([A, B, A], Order(rotation, 3));
        rotation.Failed(SourceRotation.GoodPiece, mayPass: true);

        Assert.Equal([B, A, B], Order(rotation, 3));
        Assert.False(rotation.TryNext(out _, out _));
    }

    [Fact]
    public void Second_turns_are_announced_so_that_a_restarting_worker_is_given_a_moment()
    {
        var rotation = new SourceRotation([A], _streams, _trouble);
        rotation.TryNext(out _, out var first);
        rotation.Failed(0, mayPass: true);
        rotation.TryNext(out _, out var second);

        Assert.False(first);
        Assert.True(second);
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

    private static List<WorkerAddress> Order(SourceRotation rotation, int count)
    {
        var order = new List<WorkerAddress>();
        while (count-- > 0 && rotation.TryNext(out var source, out _))
        {
            order.Add(source);
            if (count > 0) rotation.Failed(0, mayPass: true);
        }
        return order;
    }
}
