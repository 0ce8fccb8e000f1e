namespace Mdfs.Garnet;

/// <summary>
/// The sole right to a data directory, held as an exclusive lock on a file in it. The lock belongs to the open handle, so the operating
/// system gives it back when the process dies, however it dies.
/// </summary>
internal sealed class DirectoryClaim : IDisposable
{
    private readonly FileStream _file;

    private DirectoryClaim(FileStream file) => _file = file;

    /// <summary>Creates the directory when it is missing and claims it.</summary>
    /// <exception cref="GarnetStoreException">Another store, in this process or another, holds it, or it cannot be written.</exception>
    public static DirectoryClaim Take(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
            return new DirectoryClaim(new FileStream(Path.Combine(directory, "garnet.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GarnetStoreException($"The data directory {directory} is in use by another store or cannot be written: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
