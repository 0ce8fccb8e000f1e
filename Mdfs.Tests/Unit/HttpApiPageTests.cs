using System.Text.RegularExpressions;
using Mdfs.Master.Events;
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

    [GeneratedRegex(@"^Kinds: [^.]+\.", RegexOptions.Multiline)]
    private static partial Regex Kinds();

    [GeneratedRegex("`([a-z-]+)`")]
    private static partial Regex Quoted();
}
