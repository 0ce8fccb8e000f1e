namespace Mdfs.Worker.Storage;

/// <summary>What stands beside the bytes, by ending.</summary>
internal static class Sidecars
{
    /// <summary>CRC-32 and description as text: <see cref="ChecksumFile"/>.</summary>
    public const string Checksum = ".checksum";

    /// <summary>A CRC-32 per block: <see cref="BlockFormat"/>.</summary>
    public const string Blocks = ".blocks";

    /// <summary>Remembers across restarts that the replica has a bad block; its content says why, for people.</summary>
    public const string Damaged = ".damaged";

    /// <summary>Beside bytes in <c>incoming/</c>: they are complete and fsynced.</summary>
    public const string Receipt = ".receipt";

    /// <summary>Beside bytes in <c>incoming/</c>: a resumable upload, of which further pieces may come; its content is an <see cref="AppendNote"/>.</summary>
    public const string Appendable = ".open";
}
