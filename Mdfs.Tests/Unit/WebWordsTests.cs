using System.Collections;
using System.Globalization;
using System.Resources;
using System.Text.RegularExpressions;
using Mdfs.Gateway.Streams;
using Mdfs.Master;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Events;
using Mdfs.Master.Files;
using Mdfs.Master.Nodes;
using Mdfs.Master.Status;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;
using Mdfs.Web.Api;
using Mdfs.Web.Components.Pages;
using Mdfs.Web.Texts;
using Mdfs.Web.Viewing;
using Mdfs.Worker.Storage;
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
        // What the master says itself is English without help.
        Assert.Equal(english.Keys.Order(), chinese.Keys.Where(static key => !key.StartsWith("Said.", StringComparison.Ordinal) && !key.StartsWith("Setting.", StringComparison.Ordinal)).Order());
        foreach (var (key, text) in english)
        {
            Assert.NotEmpty(text);
            Assert.NotEmpty(chinese[key]);
            foreach (var form in text.Split('|')) Assert.Equal(Gaps(form), Gaps(chinese[key]));
            // The other language counts one as it counts many.
            Assert.DoesNotContain('|', chinese[key]);
        }
    }

    [Theory]
    [InlineData("en", 1, "1 movie, 3 MiB")]
    [InlineData("en", 0, "0 movies, 3 MiB")]
    [InlineData("en", 2, "2 movies, 3 MiB")]
    [InlineData("zh-Hans", 1, "1 部影片，3 MiB")]
    public void One_is_not_many(string language, int movies, string told) => Speaking(language, words => Assert.Equal(told, words.Counted("Rebalance.Amount", movies, movies, "3 MiB")));

    [Theory]
    [InlineData("drained", 0, false, "it may leave", "every movie has its copies elsewhere")]
    [InlineData("draining", 0, false, "it has not told yet all that it holds", "it has not told yet all that it holds")]
    [InlineData("paused", 0, true, "is known when the catalog is complete", "is known when the catalog is complete")]
    [InlineData("draining", 2, true, "2 movies, 3 MiB still to be copied", "2 movies, 3.0 MiB to be copied")]
    public void Of_a_drain_no_movies_left_is_said_only_when_that_is_known(string state, int movies, bool uncertain, string console, string command)
    {
        var drain = new Drain("worker-1", "1", state, movies, movies > 0 ? 3 << 20 : 0, 1, 0, 4);
        Speaking("en", words => Assert.Contains(console, drain.Left(words, uncertain)));
        Speaking("zh-Hans", words => Assert.Matches("[\u4e00-\u9fff]", drain.Left(words, uncertain)));
        Assert.Contains(command, Cli.Commands.NodesCommand.Sentence(new Cli.Server.Drain("worker-1", "1", state, movies, drain.Bytes, 1, 0, 4), uncertain));
    }

    [Fact]
    public void Every_setting_that_the_master_tells_is_described_in_both_languages()
    {
        var told = MasterSettings.Read(MasterOptions.Section, new MasterOptions()).Concat(MasterSettings.Read(MasterOptions.Section, new TransferOptions()))
            .Concat(MasterSettings.Read(MasterOptions.Section, new StreamOptions())).Concat(MasterSettings.Read(MasterOptions.Section, new SignedLinkOptions())).Concat(MasterSettings.Read(MasterOptions.Section, new CatalogStoreOptions())).ToList();
        Assert.All(told, static setting => Assert.False(string.IsNullOrEmpty(setting.Description), setting.Key));
        Assert.Empty(told.Select(static setting => setting.Key).Concat(SettingsPageTests.OfTheMaster).Select(static key => $"Setting.{key}").Except(Read("zh-Hans").Keys));
    }

    [Theory]
    [InlineData(true, "appendonly yes")]
    [InlineData(true, "appendonly no")]
    [InlineData(false, "")]
    [InlineData(false, "appendonly no")]
    [InlineData(false, "appendonly no save 60")]
    [InlineData(false, "appendonly yes appendfsync always")]
    [InlineData(false, "appendonly yes appendfsync everysec")]
    [InlineData(false, "appendonly yes appendfsync no")]
    public void What_the_master_says_of_Redis_is_said_in_the_language_of_who_reads_it(bool garnet, string settings)
    {
        var parts = settings.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var sentence = RedisDurability.Judge("it", garnet, parts.Chunk(2).ToDictionary(static pair => pair[0], static pair => pair[1])).Sentence;
        Speaking("en", words => Assert.Equal(sentence, words.Said(sentence)));
        Speaking("zh-Hans", words => Assert.Matches("[\u4e00-\u9fff]", words.Said(sentence)));
    }

    [Fact]
    public void Why_a_rebalance_waits_is_said_in_the_language_of_who_reads_it()
    {
        foreach (var sentence in (string[])["Moves wait until the catalog is complete.", "Moves wait until every live node has told what it holds.", "Moves wait for worker-1, worker-2, away and perhaps back soon: for 150 s from when a node fell silent, or until its maintenance ends."])
        {
            Speaking("en", words => Assert.Equal(sentence, words.Said(sentence)));
            Speaking("zh-Hans", words => Assert.StartsWith("移动正在等待", words.Said(sentence)));
        }
    }

    [Fact]
    public void What_a_node_is_refused_for_is_said_in_the_language_of_who_reads_it_and_what_nobody_knows_as_it_came()
    {
        const string refused = "This node has a new identity under the name 'worker-2', which node 0f3a has had. If the disk of that one is only not mounted, stop this worker.";
        Speaking("zh-Hans", words => Assert.StartsWith("此节点以名称 worker-2 带着新的标识出现，该名称此前属于节点 0f3a。", words.Said(refused)));
        Speaking("zh-Hans", words => Assert.Equal("a reason of another version", words.Said("a reason of another version")));
        Speaking("en", words => Assert.Equal(refused, words.Said(refused)));
    }

    [Theory]
    [InlineData(Sweep.BelowLost)]
    [InlineData(Sweep.OtherBytes)]
    [InlineData(Sweep.TooLongAway)]
    [InlineData(Sweep.OtherCluster)]
    [InlineData(StoreRecovery.Undescribed)]
    [InlineData("It was committed by cluster 'a', and this node belongs to 'b'.")]
    public void Why_a_replica_was_put_aside_is_said_in_the_language_of_who_reads_it(string sentence)
    {
        Speaking("en", words => Assert.Equal(sentence, words.Said(sentence)));
        Speaking("zh-Hans", words => Assert.Matches("^[^a-z]*[\u4e00-\u9fff][^c-z]*$", words.Said(sentence)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(WireVersion.Current + 1)]
    public void That_a_node_speaks_another_version_is_said_in_the_language_of_who_reads_it(int version)
    {
        var sentence = WireVersion.Remark("Node worker-1", version);
        Speaking("en", words => Assert.Equal(sentence, words.Said(sentence)));
        Speaking("zh-Hans", words => Assert.StartsWith($"节点 worker-1 使用节点间协议版本 {version}，", words.Said(sentence)));
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
    [InlineData("gone from 1 node", null, "已从 1 个节点移除")]
    [InlineData("gone from 2 nodes", null, "已从 2 个节点移除")]
    [InlineData("for 00:30:00", null, "为期 30 分钟")]
    [InlineData("finished, 12 movies moved", null, "已完成，移动了 12 部影片")]
    [InlineData("120 movies", 120, "120 部影片")]
    [InlineData("version 9 is lost, 5 took its place", null, "版本 9 已丢失，由版本 5 取代")]
    [InlineData("More than 5 replicas were found damaged within an hour: check the disk of this node, then restart it.", null, "一小时内发现超过 5 个副本损坏：请检查此节点的磁盘，然后重启它。")]
    [InlineData("a reason of another version", null, "a reason of another version")]
    public void What_happened_is_told_in_the_language_of_who_reads_it(string detail, int? count, string told) =>
        Speaking("zh-Hans", words => Assert.Equal(told, new Happening("1", DateTimeOffset.UnixEpoch, "moved", null, null, null, detail, 0, count).About(words)));

    private static void Speaking(string language, Action<IStringLocalizer<Words>> say)
    {
        var (before, words) = (CultureInfo.CurrentUICulture, new StringLocalizer<Words>(new ResourceManagerStringLocalizerFactory(Options.Create(new LocalizationOptions()), NullLoggerFactory.Instance)));
        try
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(language);
            say(words);
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
