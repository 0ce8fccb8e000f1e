namespace Mdfs.Worker.Storage;

/// <summary>
/// A little room that is given away when the disk is full to the last byte, so that a deletion, which has to be written down before it makes room, is still possible, and what has been acknowledged is sealed.
/// </summary>
internal sealed class EmergencyRoom(DataDirectory directory, KeptTrash kept)
{
    private const int Size = 256 << 10;

    private readonly string _path = Path.Combine(directory.Root, "reserve");

    /// <summary>Sets the room aside, unless it is, or cannot be had now.</summary>
    public void Keep()
    {
        try
        {
            if (File.Exists(_path) && new FileInfo(_path).Length == Size) return;
            // Written and not only allocated: there are file systems that promise room and do not have it.
            File.WriteAllBytes(_path, new byte[Size]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The disk is full at present: half of it is of no use, and the trash is not emptied for its sake.
            Remove();
        }
    }

    /// <summary>Writes what has to be written on a full disk as well: what finds no room is tried once more in this one.</summary>
    public void Write(Action write)
    {
        try
        {
            write();
        }
        catch (IOException error) when (Durable.IsDiskFull(error))
        {
            Give();
            write();
        }
    }

    // And with it what lies in the trash.
    private void Give()
    {
        kept.MakeRoom(Size);
        Remove();
    }

    private void Remove()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whoever needed it finds the disk as full as it was.
        }
    }
}
