namespace Mdfs.Cli;

/// <summary>What the process ends with; scripts decide by it. When several movies failed for different reasons it is <see cref="Failed"/>.</summary>
internal static class ExitCodes
{
    /// <summary>Everything asked for was done, or was so already.</summary>
    public const int Done = 0;

    /// <summary>Refused or failed for a reason that has no number of its own.</summary>
    public const int Failed = 1;

    /// <summary>The command line could not be understood, or nobody has said which cluster.</summary>
    public const int Usage = 2;

    /// <summary>The cluster cannot be reached, or cannot do it at the moment: the same command may succeed later.</summary>
    public const int Unavailable = 3;

    /// <summary>The key is missing or wrong.</summary>
    public const int Key = 4;

    /// <summary>There is no such movie or node.</summary>
    public const int NotFound = 5;

    /// <summary>Bytes are not what they should be: a checksum differs, or a copy is damaged.</summary>
    public const int Damaged = 6;

    /// <summary>The cluster has no room for it.</summary>
    public const int NoSpace = 7;

    /// <summary>Stopped by Ctrl-C or SIGTERM.</summary>
    public const int Interrupted = 130;

    /// <summary>The code for a whole run of which each part ended with one of its own.</summary>
    public static int Of(IEnumerable<int> parts)
    {
        var bad = parts.Where(static part => part != Done).Distinct().ToList();
        return bad.Count switch { 0 => Done, 1 => bad[0], _ => Failed };
    }
}
