namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// How much is handed to a client at a time. A client that has stopped leaves one piece unsent in its response, for hours; one that takes all it can get is served with less work in
/// larger pieces. So everybody begins with small ones, and gets larger ones after having taken a row of them at once.
/// </summary>
public sealed class PieceSize
{
    /// <summary>One block as workers check it: the common small range is one piece. Of 32 KiB the processor has a third more work.</summary>
    public const int Small = 64 * 1024;

    /// <summary>256 KiB took no less work per GiB.</summary>
    public const int Large = 128 * 1024;

    // As many small pieces as the buffers between us and a client that has already stopped can hold, and some more.
    private const int Row = 16;

    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(20);

    private int _taken;

    public int Current => _taken < Row ? Small : Large;

    /// <summary>The client has taken a piece.</summary>
    /// <param name="after">How long that took.</param>
    public void Taken(TimeSpan after) => _taken = after > AtOnce ? 0 : Math.Min(_taken + 1, Row);
}
