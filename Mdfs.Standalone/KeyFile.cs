using System.Security.Cryptography;
using System.Text;

namespace Mdfs.Standalone;

/// <summary>A secret that is made once and kept in a file that only its owner can read.</summary>
internal static class KeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Without letters that look like others: people type it. 24 of 31 are 118 bits.
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
    private const int Length = 24;

    /// <returns>The key, and whether it was made just now.</returns>
    /// <exception cref="StandaloneException">The file is there and cannot be read or holds nothing.</exception>
    public static (string Key, bool Made) ReadOrMake(string path)
    {
        try
        {
            if (!File.Exists(path))
                return (Make(path), true);
            // A backup that was put back may have given it away.
            if (!OperatingSystem.IsWindows() && File.GetUnixFileMode(path) != OwnerOnly)
                File.SetUnixFileMode(path, OwnerOnly);
            var key = File.ReadAllText(path).Trim();
            return key.Length > 0 ? (key, false) : throw new StandaloneException($"The key file {path} is empty. Remove it, and a new key is made.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StandaloneException($"The key file {path} cannot be used: {e.Message}", e);
        }
    }

    private static string Make(string path)
    {
        var key = RandomNumberGenerator.GetString(Alphabet, Length);
        var temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(Encoding.ASCII.GetBytes(key + "\n"));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path);
        return key;
    }
}
