namespace Mdfs.Cli.Settings;

/// <summary>Where this user's login and unfinished uploads are remembered: <c>mdfs</c> below XDG_CONFIG_HOME or <c>~/.config</c>, on Windows below <c>%APPDATA%</c>.</summary>
internal static class UserDirectory
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <exception cref="CliException">This user has no home.</exception>
    public static string Path(params ReadOnlySpan<string> below)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        if (home.Length == 0) throw new CliException("This user has no home directory to keep a login in. Set MDFS_URL and MDFS_KEY instead.", ExitCodes.Usage);
        return System.IO.Path.Combine([home, "mdfs", .. below]);
    }

    /// <summary>Writes it whole or not at all, readable by its owner only from the first moment on.</summary>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var directory = System.IO.Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);

        var temporary = $"{path}.{Environment.ProcessId}.new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
