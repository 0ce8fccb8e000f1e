namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// How much is handed to a client at a time. A client that has stopped leaves one piece unsent in its response, for hours; one that takes all it can get is served with less work in
/// larger pieces. So everybody begins with small ones, and gets larger ones after having taken a row of them at once; the largest, for which a socket has no room at once, as long
/// as few others have them.
/// </summary>
/// <param name="most">The size of the largest.</param>
public sealed class PieceSize(LargestPieces largest, int most = PieceSize.Largest) : IDisposable
{
    /// <summary>The common small range is one piece. Of 32 KiB the processor has a third more work.</summary>
    public const int Small = 64 * 1024;

    public const int Large = 128 * 1024;

    /// <summary>A quarter less work per GiB than <see cref="Large"/>.</summary>
    public const int Largest = 1024 * 1024;

    /// <summary>For who is woken for nothing but the socket's room, larger ones only leave the processor's own memory (docs/performance.md).</summary>
    public const int LargestOnLoops = 512 * 1024;

    // As many small pieces as the buffers between us and a client that has already stopped can hold, and some more.
    private const int Row = 16;

    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(20);

    private int _taken;
    private bool _hasLargest;

    public int Current => _taken < Row ? Small : _hasLargest ? most : Large;

    /// <summary>The client has taken a piece.</summary>
    /// <param name="after">How long that took.</param>
    public void Taken(TimeSpan after)
    {
        _taken = after > AtOnce ? 0 : Math.Min(_taken + 1, Row);
        if (_taken < Row) Dispose();
        else if (!_hasLargest) _hasLargest = largest.TryTake();
    }

    /// <summary>Lets another one have the largest pieces.</summary>
    public void Dispose()
    {
        if (_hasLargest) largest.GiveBack();
        _hasLargest = false;
    }
}
