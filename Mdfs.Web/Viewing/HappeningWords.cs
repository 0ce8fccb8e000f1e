using System.Globalization;
using System.Text.RegularExpressions;
using Mdfs.Web.Api;
using Mdfs.Web.Texts;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Viewing;

/// <summary>
/// What the master adds to an entry of the activity, in the viewer's language. The master says it in English, for logs and scripts; what is said most often is known here, with what
/// is said elsewhere too, and anything else (reasons, the words of another version) is shown as it came.
/// </summary>
public static partial class HappeningWords
{
    private static readonly (Regex Pattern, string Key)[] _known =
    [
        (Copies(), "Activity.Copies"), (CopiesGood(), "Activity.CopiesGood"), (GoneFrom(), "Activity.GoneFrom"), (Finished(), "Activity.Finished"), (Cancelled(), "Activity.Cancelled"),
        (OnNodes(), "Activity.OnNodes"), (LastCopies(), "Activity.LastCopies"), (More(), "Activity.MoreAside"), (Yielded(), "Activity.Yielded"),
    ];

    /// <summary>All that is known of it beside kind and movie, in one line.</summary>
    public static string About(this Happening item, IStringLocalizer<Words> words) => string.Join(
        " · ",
        new[]
        {
            item.Node,
            item.Count is > 1 ? words["Activity.Count", Format.Count(item.Count.Value)].Value : null,
            item.Size is > 0 ? Format.Bytes(item.Size.Value) : null,
            item.Actor is { } actor ? words["Activity.From", actor].Value : null,
            item.Detail is { } detail ? Said(item, detail, words) : null,
        }.Where(static part => !string.IsNullOrEmpty(part)));

    private static string? Said(Happening item, string detail, IStringLocalizer<Words> words)
    {
        // The number of movies stands in a field of its own.
        if (item.Count is { } count && detail == string.Create(CultureInfo.InvariantCulture, $"{count} movies")) return null;
        if (words.Known(_known, detail) is { } told) return told;
        return Lasting().Match(detail) is { Success: true } lasting && TimeSpan.TryParse(lasting.Groups[1].ValueSpan, CultureInfo.InvariantCulture, out var span)
            ? words["Activity.Lasting", Format.Duration(span.TotalSeconds, words)]
            : words.Said(detail);
    }

    [GeneratedRegex("^([0-9]+) of ([0-9]+) copies$")]
    private static partial Regex Copies();

    [GeneratedRegex("^([0-9]+) of ([0-9]+) copies are good$")]
    private static partial Regex CopiesGood();

    [GeneratedRegex("^gone from ([0-9]+) nodes?$")]
    private static partial Regex GoneFrom();

    [GeneratedRegex("^finished, ([0-9]+) movies? moved$")]
    private static partial Regex Finished();

    [GeneratedRegex("^cancelled$")]
    private static partial Regex Cancelled();

    [GeneratedRegex("^([0-9]+) nodes$")]
    private static partial Regex OnNodes();

    [GeneratedRegex("^with its last copies$")]
    private static partial Regex LastCopies();

    [GeneratedRegex("^([0-9]+) more, ([0-9]+) in all$")]
    private static partial Regex More();

    [GeneratedRegex("^version ([0-9]+) is lost, ([0-9]+) took its place$")]
    private static partial Regex Yielded();

    [GeneratedRegex("^for ([0-9.:]+)$")]
    private static partial Regex Lasting();
}
