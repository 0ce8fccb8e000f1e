namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// How much is handed to a client at a time. A client that has stopped leaves one piece unsent in its response, for hours; one that takes all it can get is served with less work in
/// larger pieces. So everybody begins with small ones, and gets larger ones after having taken a row of them at once; the largest, for which a socket has no room at once, as long
/// as few others have them.
/// </summary>
public sealed class PieceSize : IDisposable
{
    /// <summary>One block as workers check it: the common small range is one piece. Of 32 KiB the processor has a third more work.</summary>
    public const int Small = 64 * 1024;

    public const int Large = 128 * 1024;

    /// <summary>A quarter less work per GiB than <see cref="Large"/>.</summary>
    public const int Largest = 1024 * 1024;

    /// <summary>Streams of this process that have <see cref="Largest"/> pieces at the same time: no more than 32 MiB of memory, however many there are.</summary>
    public const int MostLargest = 32;

    // As many small pieces as the buffers between us and a client that has already stopped can hold, and some more.
    private const int Row = 16;

    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(20);

    private static int _lent;

    private int _taken;
    private bool _largest;

    public int Current => _taken < Row ? Small : _largest ? Largest : Large;

    /// <summary>The client has taken a piece.</summary>
    /// <param name="after">How long that took.</param>
    public void Taken(TimeSpan after)
    {
        _taken = after > AtOnce ? 0 : Math.Min(_taken + 1, Row);
        if (_taken < Row) Dispose();
        else if (!_largest && Volatile.Read(ref _lent) < MostLargest) _largest = Borrow();
    }

    /// <summary>Lets another one have the largest pieces.</summary>
    public void Dispose()
    {
        if (_largest) Interlocked.Decrement(ref _lent);
        _largest = false;
    }

    private static bool Borrow()
    {
        if (Interlocked.Increment(ref _lent) <= MostLargest) return true;
        Interlocked.Decrement(ref _lent);
        return false;
    }
}
