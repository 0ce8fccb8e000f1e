using System.Reflection;
using System.Text.RegularExpressions;
using Mdfs.Garnet;
using Mdfs.Gateway.Streams;
using Mdfs.Master;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Tests.Support;
using Mdfs.Web;
using Mdfs.Web.FrontEnd;
using Mdfs.Worker;

namespace Mdfs.Tests.Unit;

/// <summary>The tables of settings in <c>README.md</c> and <c>docs/console.md</c> against the options classes.</summary>
public sealed partial class SettingsPageTests
{
    private static readonly Dictionary<Type, string> _sections = new()
    {
        [typeof(AdminKeyOptions)] = "Mdfs",
        [typeof(ClusterKeyOptions)] = "Mdfs",
        [typeof(MasterOptions)] = MasterOptions.Section,
        [typeof(TransferOptions)] = MasterOptions.Section,
        [typeof(StreamOptions)] = MasterOptions.Section,
        [typeof(SignedLinkOptions)] = MasterOptions.Section,
        [typeof(CatalogStoreOptions)] = CatalogStoreOptions.Section,
        [typeof(WorkerOptions)] = WorkerOptions.Section,
        [typeof(WebOptions)] = WebOptions.Section,
        [typeof(GatewayOptions)] = GatewayOptions.Section,
        [typeof(GarnetStoreOptions)] = GarnetStoreOptions.Section,
    };

    // Not bound to a class, but read where they count.
    private static readonly string[] _others = ["Mdfs:AllowedHosts", "Mdfs:Cors:AllowedOrigins", "Mdfs:TrustedProxies", "Mdfs:SecretsDirectory", "Mdfs:SocketOutput", "Mdfs:EventLoops", "Mdfs:Splice"];

    // What their own pages say: the options of the embedded cluster are those of its command line (--help).
    private static readonly string[] _elsewhere = ["StandaloneOptions"];

    [Fact]
    public void Every_setting_stands_in_a_table_and_every_name_in_the_tables_is_a_setting()
    {
        var told = Told("README.md").Concat(Told("docs/console.md")).ToHashSet(StringComparer.Ordinal);
        var settings = _sections.SelectMany(static options => Properties(options.Key).Select(property => $"{options.Value}:{property}")).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(settings.Except(told));
        Assert.Empty(told.Where(static name => name.StartsWith("Mdfs:", StringComparison.Ordinal)).Except(settings).Except(_others));
    }

    /// <summary>What a master reads, by its names in configuration.</summary>
    internal static IEnumerable<string> OfTheMaster =>
        _sections.Where(static options => options.Value is "Mdfs" or MasterOptions.Section).SelectMany(static options => Properties(options.Key).Select(property => $"{options.Value}:{property}")).Concat(_others).Distinct();

    [Fact]
    public void No_options_class_is_forgotten_here()
    {
        var all = new[] { typeof(AdminKeyOptions), typeof(MasterOptions), typeof(StreamOptions), typeof(WorkerOptions), typeof(WebOptions), typeof(GarnetStoreOptions) }.SelectMany(static type => type.Assembly.GetTypes())
            .Where(static type => type is { IsClass: true, IsAbstract: false, IsNested: false } && type.Name.EndsWith("Options", StringComparison.Ordinal) && type.Namespace!.StartsWith("Mdfs.", StringComparison.Ordinal));
        Assert.Empty(all.Where(type => !_sections.ContainsKey(type) && !_elsewhere.Contains(type.Name)).Select(static type => type.FullName));
    }

    private static IEnumerable<string> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(static property => property.SetMethod is { IsPublic: true }).Select(static property => property.Name);

    /// <summary>The names in the first column, those below a line such as <c>**`Mdfs:Master:`**</c> with that in front.</summary>
    private static IEnumerable<string> Told(string page)
    {
        var section = "";
        foreach (var line in File.ReadLines(Repository.File(page)))
        {
            if (!line.StartsWith("| ", StringComparison.Ordinal))
            {
                section = "";
                continue;
            }

            var cell = line.Split('|')[1].Trim();
            if (SectionLine().Match(cell) is { Success: true } begins) section = begins.Groups[1].Value;
            else
                foreach (Match name in Quoted().Matches(cell)) yield return section + name.Groups[1].Value;
        }
    }

    [GeneratedRegex(@"^\*\*`(Mdfs:\w+:)`\*\*$")]
    private static partial Regex SectionLine();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();
}
