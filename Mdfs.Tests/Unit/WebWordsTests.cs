using System.Collections;
using System.Globalization;
using System.Resources;
using System.Text.RegularExpressions;
using Mdfs.Master.Events;
using Mdfs.Web.Api;
using Mdfs.Web.Components.Pages;
using Mdfs.Web.Texts;
using Mdfs.Web.Viewing;
using Microsoft.Extensions.Localization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

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

    [Theory]
    [InlineData("2 of 3 copies", null, "3 份副本中已有 2 份")]
    [InlineData("1 of 2 copies are good", null, "2 份副本中 1 份完好")]
    [InlineData("gone from 2 nodes", null, "已从 2 个节点移除")]
    [InlineData("for 00:30:00", null, "为期 30 分钟")]
    [InlineData("finished, 12 movies moved", null, "已完成，移动了 12 部影片")]
    [InlineData("120 movies", 120, "120 部影片")]
    [InlineData("a reason of another version", null, "a reason of another version")]
    public void What_happened_is_told_in_the_language_of_who_reads_it(string detail, int? count, string told)
    {
        var (before, words) = (CultureInfo.CurrentUICulture, new StringLocalizer<Words>(new ResourceManagerStringLocalizerFactory(Options.Create(new LocalizationOptions()), NullLoggerFactory.Instance)));
        try
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("zh-Hans");
            Assert.Equal(told, new Happening("1", DateTimeOffset.UnixEpoch, "moved", null, null, null, detail, 0, count).About(words));
        }
        finally
        {
            CultureInfo.CurrentUICulture = before;
        }
    }

    private static Dictionary<string, string> Read(string culture) => _words.GetResourceSet(CultureInfo.GetCultureInfo(culture), createIfNotExists: true, tryParents: false)!
        .Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);

    private static string Gaps(string text) => string.Join(' ', Gap().Matches(text).Select(match => match.Value).Order().Distinct());

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Gap();
}
