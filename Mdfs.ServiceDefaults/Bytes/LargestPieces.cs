namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>How many of a service's streams may have the largest pieces at the same time: no more than 32 MiB of memory, however many there are. Safe for all threads.</summary>
public sealed class LargestPieces
{
    public const int Most = 32;

    private int _taken;

    public bool TryTake()
    {
        // Most that ask while all are taken have to change nothing.
        if (Volatile.Read(ref _taken) >= Most) return false;
        if (Interlocked.Increment(ref _taken) <= Most) return true;
        GiveBack();
        return false;
    }

    public void GiveBack() => Interlocked.Decrement(ref _taken);
}
