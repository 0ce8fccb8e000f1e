namespace Mdfs.Standalone;

/// <summary>The directory of one cluster, claimed for as long as it runs. The lock belongs to the open handle: the system gives it back however the process ends.</summary>
internal sealed class DataHome : IDisposable
{
    private readonly FileStream _lock;

    private DataHome(string path, FileStream @lock)
    {
        Path = path;
        _lock = @lock;
    }

    public string Path { get; }

    public string Store => System.IO.Path.Combine(Path, "garnet");

    public string AdminKeyFile => System.IO.Path.Combine(Path, "admin.key");

    public string ClusterKeyFile => System.IO.Path.Combine(Path, "cluster.key");

    public string Worker(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Creates it when it is missing.</summary>
    /// <exception cref="StandaloneException">Another cluster uses it, or it cannot be written.</exception>
    public static DataHome Claim(string directory)
    {
        var path = System.IO.Path.GetFullPath(directory);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StandaloneException($"The data directory {path} cannot be created: {e.Message} Name another one with --data.", e);
        }
        try
        {
            return new DataHome(path, new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StandaloneException($"The data directory {path} cannot be written by this user. Name another one with --data.", e);
        }
        catch (IOException e)
        {
            throw new StandaloneException($"The data directory {path} is in use by another cluster. Stop that one, or name another directory with --data.", e);
        }
    }

    public void Dispose() => _lock.Dispose();
}
