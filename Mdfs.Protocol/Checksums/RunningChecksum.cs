namespace Mdfs.Protocol.Checksums;

/// <summary>The <see cref="Checksum"/> of bytes that come piece after piece. Not for two threads at once.</summary>
public sealed class RunningChecksum
{
    /// <summary>Of all so far.</summary>
    public Checksum Current { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes) => Current = Current.Append(bytes);

    public void Reset() => Current = default;
}
