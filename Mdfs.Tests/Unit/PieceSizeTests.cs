using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Tests.Unit;

public sealed class PieceSizeTests
{
    [Fact]
    public void Pieces_grow_for_who_takes_a_row_of_them_at_once_and_shrink_for_who_makes_us_wait()
    {
        var size = new PieceSize();
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(PieceSize.Small, size.Current);
            size.Taken(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(PieceSize.Large, size.Current);
        size.Taken(TimeSpan.FromMilliseconds(1));
        Assert.Equal(PieceSize.Large, size.Current);
        size.Taken(TimeSpan.FromSeconds(1));
        Assert.Equal(PieceSize.Small, size.Current);
    }
}
