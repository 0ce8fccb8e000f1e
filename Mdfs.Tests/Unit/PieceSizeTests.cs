using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Tests.Unit;

public sealed class PieceSizeTests
{
    [Fact]
    public void Pieces_grow_for_who_takes_a_row_of_them_at_once_and_shrink_for_who_makes_us_wait()
    {
        using var size = new PieceSize();
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(PieceSize.Small, size.Current);
            size.Taken(TimeSpan.FromMilliseconds(1));
        }

        // How many others have the largest ones at the moment is up to the tests beside this one.
        Assert.Contains(size.Current, (int[])[PieceSize.Large, PieceSize.Largest]);
        size.Taken(TimeSpan.FromMilliseconds(1));
        Assert.Contains(size.Current, (int[])[PieceSize.Large, PieceSize.Largest]);
        size.Taken(TimeSpan.FromSeconds(1));
        Assert.Equal(PieceSize.Small, size.Current);
    }

    [Fact]
    public void The_largest_pieces_are_for_a_few_streams_at_a_time_and_go_to_the_next_one_when_a_stream_ends()
    {
        var sizes = Enumerable.Range(0, 2 * PieceSize.MostLargest).Select(static _ => Fast()).ToList();
        try
        {
            Assert.InRange(sizes.Count(static size => size.Current == PieceSize.Largest), 1, PieceSize.MostLargest);
            var without = sizes.First(static size => size.Current == PieceSize.Large);
            foreach (var size in sizes.Where(static size => size.Current == PieceSize.Largest).ToList()) size.Dispose();
            without.Taken(TimeSpan.Zero);
            Assert.Equal(PieceSize.Largest, without.Current);
        }
        finally
        {
            foreach (var size in sizes) size.Dispose();
        }
    }

    private static PieceSize Fast()
    {
        var size = new PieceSize();
        for (var i = 0; i < 17; i++) size.Taken(TimeSpan.Zero);
        return size;
    }
}
