using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Tests.Unit;

public sealed class PieceSizeTests
{
    private readonly LargestPieces _largest = new();

    [Fact]
    public void Pieces_grow_for_who_takes_a_row_of_them_at_once_and_shrink_for_who_makes_us_wait()
    {
        using var size = new PieceSize(_largest);
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(PieceSize.Small, size.Current);
            size.Taken(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(PieceSize.Largest, size.Current);
        size.Taken(TimeSpan.FromMilliseconds(1));
        Assert.Equal(PieceSize.Largest, size.Current);
        size.Taken(TimeSpan.FromSeconds(1));
        Assert.Equal(PieceSize.Small, size.Current);
    }

    [Fact]
    public void The_largest_pieces_are_for_a_few_streams_at_a_time_and_go_to_the_next_one_when_one_ends_or_slows_down()
    {
        var sizes = Enumerable.Range(0, LargestPieces.Most + 2).Select(_ => Fast()).ToList();
        Assert.Equal([.. Enumerable.Repeat(PieceSize.Largest, LargestPieces.Most), PieceSize.Large, PieceSize.Large], sizes.Select(static size => size.Current));

        sizes[0].Dispose();
        sizes[^1].Taken(TimeSpan.Zero);
        Assert.Equal(PieceSize.Largest, sizes[^1].Current);
        sizes[^2].Taken(TimeSpan.Zero);
        Assert.Equal(PieceSize.Large, sizes[^2].Current);

        sizes[1].Taken(TimeSpan.FromSeconds(1));
        sizes[^2].Taken(TimeSpan.Zero);
        Assert.Equal(PieceSize.Largest, sizes[^2].Current);
    }

    private PieceSize Fast()
    {
        var size = new PieceSize(_largest);
        for (var i = 0; i < 16; i++) size.Taken(TimeSpan.Zero);
        return size;
    }
}
