using System.Globalization;

namespace Mdfs.Garnet;

/// <summary>
/// The data directory of a store: <c>log-1</c>, <c>log-2</c> and so on, of which the last complete one counts. A new one comes into being when a
/// store is copied; it is complete, and the old one superfluous, when the file in it says so, whose content is the log's length at that moment.
/// </summary>
internal sealed class LogDirectories(string root)
{
    private const string Prefix = "log-";

    /// <summary>The number of the log that counts; 0 when there is none yet.</summary>
    public int Current => Numbers().Where(number => File.Exists(MarkerOf(number))).DefaultIfEmpty().Max();

    public string PathOf(int number) => Path.Combine(root, $"{Prefix}{number}");

    /// <summary>The length in bytes that a log had when it became complete.</summary>
    public long InitialSize(int number) => long.Parse(File.ReadAllText(MarkerOf(number)), CultureInfo.InvariantCulture);

    /// <summary>From now on this log counts, also after a power loss.</summary>
    public void Complete(int number, long size)
    {
        Directory.CreateDirectory(PathOf(number));
        var unfinished = MarkerOf(number) + ".new";
        using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(size.ToString(CultureInfo.InvariantCulture)));
            file.Flush(flushToDisk: true);
        }
        File.Move(unfinished, MarkerOf(number), overwrite: true);
    }

    /// <summary>Removes what a copy that did not come to its end left behind, and superseded logs.</summary>
    public void RemoveAllBut(int number)
    {
        foreach (var other in Numbers().Where(other => other != number))
        {
            // The marker first: half a directory must not count.
            File.Delete(MarkerOf(other));
            Directory.Delete(PathOf(other), recursive: true);
        }
    }

    private string MarkerOf(int number) => Path.Combine(PathOf(number), "complete");

    private int[] Numbers() =>
        [.. Directory.EnumerateDirectories(root, $"{Prefix}*").Select(static path => int.TryParse(Path.GetFileName(path)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0).Where(static number => number > 0)];
}
