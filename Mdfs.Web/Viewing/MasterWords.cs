using System.Text.RegularExpressions;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Viewing;

/// <summary>
/// Sentences in which the master says how it is, in the viewer's language: it says them in English, for logs and scripts. Those that are known have a text <c>Said.…</c> in the other
/// language; anything else (what an exception said, the words of another version) is shown as it came.
/// </summary>
public static partial class MasterWords
{
    private const string Prefix = "Said.";

    private static readonly (Regex Pattern, string Key)[] _known = [(NewIdentity(), "NewIdentity"), (NameTaken(), "NameTaken"), (MassLoss(), "MassLoss")];

    public static string Said(this IStringLocalizer words, string? sentence)
    {
        if (string.IsNullOrEmpty(sentence)) return "";
        if (words[Prefix + sentence] is { ResourceNotFound: false } plain) return plain;
        foreach (var (pattern, key) in _known)
        {
            if (pattern.Match(sentence) is { Success: true } match && words[Prefix + key, [.. match.Groups.Values.Skip(1).Select(static part => part.Value)]] is { ResourceNotFound: false } told) return told;
        }

        return sentence;
    }

    [GeneratedRegex("^This node has a new identity under the name '(.*)', which node ([^ ]+) has had\\. ")]
    private static partial Regex NewIdentity();

    [GeneratedRegex("^Another node \\(([^ ]+)\\) is beating as '(.*)'\\. ")]
    private static partial Regex NameTaken();

    [GeneratedRegex("^([0-9]+) of ([0-9]+) nodes fell silent at once, .*, or ([0-9]+) s have passed\\.$")]
    private static partial Regex MassLoss();
}
