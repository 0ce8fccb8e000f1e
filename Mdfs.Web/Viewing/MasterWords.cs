using System.Text.RegularExpressions;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Viewing;

/// <summary>
/// Sentences in which the master says how it is, in the viewer's language: it says them in English, for logs and scripts. Those that are known have a text <c>Said.…</c> in the other
/// language; anything else (what an exception said, the words of another version) is shown as it came.
/// </summary>
public static partial class MasterWords
{
    private static readonly (Regex Pattern, string Key)[] _known =
    [
        (NewIdentity(), "Said.NewIdentity"), (NameTaken(), "Said.NameTaken"), (MassLoss(), "Said.MassLoss"), (MovesWait(), "Said.MovesWait"),
        (OfCluster(), "Said.OfCluster"), (OlderProtocol(), "Said.OlderProtocol"), (NewerProtocol(), "Said.NewerProtocol"),
    ];

    public static string Said(this IStringLocalizer words, string? sentence)
    {
        if (string.IsNullOrEmpty(sentence)) return "";
        if (words["Said." + sentence] is { ResourceNotFound: false } plain) return plain;
        return words.Known(_known, sentence) ?? sentence;
    }

    /// <summary>The text for what the first of these patterns matches, with what stands in its gaps; null when none does, or the language has none.</summary>
    internal static string? Known(this IStringLocalizer words, IEnumerable<(Regex Pattern, string Key)> known, string sentence)
    {
        foreach (var (pattern, key) in known)
        {
            if (pattern.Match(sentence) is { Success: true } match && words[key, [.. match.Groups.Values.Skip(1).Select(static part => part.Value)]] is { ResourceNotFound: false } told) return told;
        }

        return null;
    }

    [GeneratedRegex("^This node has a new identity under the name '(.*)', which node ([^ ]+) has had\\. ")]
    private static partial Regex NewIdentity();

    [GeneratedRegex("^Another node \\(([^ ]+)\\) is beating as '(.*)'\\. ")]
    private static partial Regex NameTaken();

    [GeneratedRegex("^([0-9]+) of ([0-9]+) nodes fell silent at once, .*, or ([0-9]+) s have passed\\.$")]
    private static partial Regex MassLoss();

    [GeneratedRegex("^It was committed by cluster '(.*)', and this node belongs to '(.*)'\\.$")]
    private static partial Regex OfCluster();

    [GeneratedRegex("^Node (.*) speaks version ([0-9]+) of the protocol between nodes, this program version ([0-9]+)\\. They work together; upgrade the other one as well\\.$")]
    private static partial Regex OlderProtocol();

    [GeneratedRegex("^Node (.*) speaks version ([0-9]+) of the protocol between nodes, this program version ([0-9]+)\\. They work together; upgrade this one as well\\.$")]
    private static partial Regex NewerProtocol();

    [GeneratedRegex("^Moves wait for (.*), away and perhaps back soon: for ([0-9]+) s from when a node fell silent, or until its maintenance ends\\.$")]
    private static partial Regex MovesWait();
}
