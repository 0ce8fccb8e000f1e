using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mdfs.Cli.Settings;

namespace Mdfs.Cli.Transfer;

/// <summary>Which resumable uploads were begun and not ended, one small file each beside the login: the next <c>mdfs put</c> of the same file goes on with it.</summary>
/// <param name="directory">Null: this user's own.</param>
internal sealed class UnfinishedUploads(Uri cluster, string? directory = null)
{
    /// <summary>Where the upload of this file is, as the cluster called it, and whether it can be gone on with: not when the file has changed since. Null when there is none.</summary>
    /// <param name="onlyIfFree">Then one that was begun without that condition is not gone on with either: it would replace what is there.</param>
    public (string Location, bool GoesOn)? Find(FileSource source, bool onlyIfFree)
    {
        try
        {
            var path = PathOf(source);
            if (!File.Exists(path) || JsonSerializer.Deserialize<Unfinished>(File.ReadAllBytes(path)) is not { } kept) return null;
            return (kept.Location, kept.Size == source.Size && kept.ModifiedAt == source.ModifiedAt && (kept.OnlyIfFree || !onlyIfFree));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Keep(FileSource source, string location, bool onlyIfFree) =>
        UserDirectory.Write(PathOf(source), JsonSerializer.SerializeToUtf8Bytes(new Unfinished(location, source.Path, source.Size ?? 0, source.ModifiedAt, onlyIfFree)));

    public void Forget(FileSource source) => File.Delete(PathOf(source));

    private string PathOf(FileSource source)
    {
        var file = $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{cluster}\n{source.Name}\n{source.Path}")))[..32]}.json";
        return directory is null ? UserDirectory.Path("uploads", file) : Path.Combine(directory, file);
    }

    private sealed record Unfinished(string Location, string Path, long Size, DateTime ModifiedAt, bool OnlyIfFree = false);
}
