using System.Diagnostics.CodeAnalysis;

namespace Mdfs.Protocol.Names;

/// <summary>Which names a cluster takes: every valid <see cref="FileName"/> whose extension is on the list; an empty list allows all.</summary>
public sealed class NameRules
{
    /// <summary>The video extensions of design, section 1.</summary>
    public static readonly IReadOnlyList<string> DefaultExtensions = [".mp4", ".mkv", ".avi", ".mov", ".wmv", ".flv", ".webm", ".m4v"];

    private readonly HashSet<string> _extensions;

    public NameRules(IEnumerable<string> allowedExtensions) =>
        _extensions = new HashSet<string>(allowedExtensions, StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a name that is about to be stored. Reading and deleting need only a valid <see cref="FileName"/>, so that
    /// movies stored under an earlier, wider list stay within reach.</summary>
    public bool TryAccept([NotNullWhen(true)] string? raw, out FileName name, [NotNullWhen(false)] out string? problem)
    {
        if (!FileName.TryParse(raw, out name, out problem)) return false;
        if (_extensions.Count == 0 || _extensions.Contains(Path.GetExtension(name.Value))) return true;
        problem = $"'{Path.GetExtension(name.Value)}' is not an allowed video extension. Allowed: {string.Join(' ', _extensions.Order(StringComparer.Ordinal))}.";
        return false;
    }
}
