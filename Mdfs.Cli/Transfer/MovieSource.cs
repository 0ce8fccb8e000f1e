using Mdfs.Protocol.Checksums;

namespace Mdfs.Cli.Transfer;

/// <summary>Where the bytes of a movie come from.</summary>
/// <param name="Name">Under which it is to be stored.</param>
/// <param name="Origin">The path or URL, for people.</param>
internal abstract record MovieSource(string Name, string Origin)
{
    /// <summary>Bytes; null where only reading will tell.</summary>
    public long? Size { get; init; }

    /// <summary>What they must add up to, where that is known before they are read.</summary>
    public Checksum? Expected { get; init; }

    /// <summary>From there on, with the length of the whole where it is known.</summary>
    public abstract Task<OpenSource> OpenAsync(long from, CancellationToken cancellationToken);
}

internal sealed record OpenSource(Stream Stream, long? Length, IDisposable? Owner = null) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        Owner?.Dispose();
    }
}

/// <summary>A file on this machine.</summary>
internal sealed record FileSource(string Name, string Path) : MovieSource(Name, Path)
{
    public DateTime ModifiedAt { get; init; }

    /// <param name="file">May be a link: its own length and time say nothing of the movie.</param>
    public static FileSource Of(string name, FileInfo file)
    {
        var bytes = Behind(file) ?? file;
        return new FileSource(name, file.FullName) { Size = bytes.Length, ModifiedAt = bytes.LastWriteTimeUtc };
    }

    /// <summary>Null: it is no link, or one that leads nowhere or in a circle. That is told when the movie is read, of that movie alone.</summary>
    private static FileInfo? Behind(FileInfo file)
    {
        try
        {
            return file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true } target ? target : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public override Task<OpenSource> OpenAsync(long from, CancellationToken cancellationToken)
    {
        var stream = new FileStream(Path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.SequentialScan, BufferSize = 0 });
        stream.Position = from;
        return Task.FromResult(new OpenSource(stream, stream.Length));
    }
}
