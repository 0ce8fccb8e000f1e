using System.Collections;
using System.Globalization;
using System.Resources;
using System.Text.RegularExpressions;
using Mdfs.Master.Events;
using Mdfs.Web.Components.Pages;
using Mdfs.Web.Texts;

namespace Mdfs.Tests.Unit;

/// <summary>The console says everything in both languages.</summary>
public sealed partial class WebWordsTests
{
    private static readonly ResourceManager _words = new(typeof(Words));

    [Fact]
    public void Every_text_stands_in_both_languages_with_the_same_gaps()
    {
        var english = Read("");
        var chinese = Read("zh-Hans");
        Assert.True(english.Count > 100);
        Assert.Equal(english.Keys.Order(), chinese.Keys.Order());
        foreach (var (key, text) in english)
        {
            Assert.NotEmpty(text);
            Assert.NotEmpty(chinese[key]);
            Assert.Equal(Gaps(text), Gaps(chinese[key]));
        }
    }

    [Fact]
    public void All_that_a_master_may_tell_has_a_word_and_can_be_chosen()
    {
        Assert.Equal(ActivityKinds.All.Order(), Activity.Kinds.Order());
        Assert.Empty(ActivityKinds.All.Select(static kind => $"Activity.Kind.{kind}").Except(Read("").Keys));
        Assert.Empty(((string[])["alive", "silent", "stopped", "maintenance", "failed", "registering", "draining"]).Select(static state => $"NodeState.{state}").Except(Read("").Keys));
    }

    private static Dictionary<string, string> Read(string culture) => _words.GetResourceSet(CultureInfo.GetCultureInfo(culture), createIfNotExists: true, tryParents: false)!
        .Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);

    private static string Gaps(string text) => string.Join(' ', Gap().Matches(text).Select(match => match.Value).Order().Distinct());

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Gap();
}
