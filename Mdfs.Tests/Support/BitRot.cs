namespace Mdfs.Tests.Support;

/// <summary>What disks do to files.</summary>
public static class BitRot
{
    /// <summary>Flips one bit of a file on disk.</summary>
    public static void Flip(string path, long at)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ 0x10));
    }
}
