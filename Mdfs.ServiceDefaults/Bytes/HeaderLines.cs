namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>The lines of a head, one after the other.</summary>
internal static class HeaderLines
{
    /// <param name="lines">Each with its line end; the one that is returned is cut off.</param>
    public static ReadOnlySpan<byte> Next(scoped ref ReadOnlySpan<byte> lines)
    {
        var end = lines.IndexOf("\r\n"u8);
        var line = lines[..end];
        lines = lines[(end + 2)..];
        return line;
    }
}
