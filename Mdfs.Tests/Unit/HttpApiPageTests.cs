using System.Globalization;
using System.Text.RegularExpressions;
using Mdfs.Master.Events;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Unit;

/// <summary>Lists that stand in <c>docs/http-api.md</c> and in the code.</summary>
public sealed partial class HttpApiPageTests
{
    [Fact]
    public void All_kinds_of_activity_are_named_and_no_others()
    {
        var page = File.ReadAllText(Repository.File("docs/http-api.md")).ReplaceLineEndings("\n");
        var listed = Assert.Single(Kinds().Matches(page)).Value;
        Assert.Equal(ActivityKinds.All.Order(StringComparer.Ordinal), Quoted().Matches(listed).Select(static word => word.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_refusal_stands_in_the_row_of_its_status()
    {
        var page = File.ReadAllText(Repository.File("docs/http-api.md")).ReplaceLineEndings("\n");
        var rows = Row().Matches(page).ToDictionary(static row => int.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture), static row => row.Groups[2].Value);
        var refusals = (from folder in (string[])["Mdfs.Master", "Mdfs.ServiceDefaults", "Mdfs.Gateway", "Mdfs.Web"]
                        from file in Directory.EnumerateFiles(Repository.File(folder), "*.cs", SearchOption.AllDirectories)
                        from refusal in Refusal().Matches(File.ReadAllText(file))
                        select (Status: int.Parse(refusal.Groups[1].Value, CultureInfo.InvariantCulture), Slug: refusal.Groups[2].Value)).ToList();
        Assert.True(refusals.Count > 50);
        // What nobody gave a name is "http-…".
        refusals.AddRange(Enumerable.Range(400, 200).Select(static status => (status, CommonProblems.ForStatus(status).Slug)).Where(static common => !common.Slug.StartsWith("http-", StringComparison.Ordinal)));
        var unnamed = refusals.Distinct().Where(refusal => !rows.TryGetValue(refusal.Status, out var row) || !row.Contains($"`{refusal.Slug}`", StringComparison.Ordinal)).ToList();
        Assert.Empty(unnamed);
    }

    [GeneratedRegex(@"^\| `(\d{3})` \|(.*)$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\b([45]\d\d),\s*""([a-z-]+)"",")]
    private static partial Regex Refusal();

    [GeneratedRegex(@"^Kinds: [^.]+\.", RegexOptions.Multiline)]
    private static partial Regex Kinds();

    [GeneratedRegex("`([a-z-]+)`")]
    private static partial Regex Quoted();
}
