using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Unit;

/// <summary>What <c>azd</c> is given for Azure Container Apps. Whether Azure takes it can be told only with a subscription.</summary>
public sealed class AzureTemplateTests
{
    private static readonly Dictionary<string, string> _templates = Directory.GetFiles(Repository.File("Mdfs.AppHost/infra"), "*.tmpl.yaml")
        .ToDictionary(static file => Path.GetFileName(file)[..^".tmpl.yaml".Length], File.ReadAllText);

    [Fact]
    public void Every_service_has_a_template_of_its_own_and_azd_finds_the_AppHost()
    {
        Assert.Equal(["master", "redis", "web", "worker-1", "worker-2", "worker-3"], _templates.Keys.Order());
        Assert.All(_templates, static template => Assert.Contains($"azd-service-name: {template.Key}\n", template.Value));
        Assert.True(File.Exists(Repository.File(Regex.Match(File.ReadAllText(Repository.File("azure.yaml")), @"project: (\S+)").Groups[1].Value)));
    }

    [Fact]
    public void Nothing_is_scaled_away_or_doubled_and_what_keeps_data_has_a_volume_of_its_own()
    {
        Assert.All(_templates.Values, static template => Assert.Matches(@"scale:\n\s+minReplicas: 1\n\s+maxReplicas: 1\n", template));
        var volumes = _templates.Select(static template => (template.Key, Volume: Regex.Match(template.Value, @"storageName: \{\{ \.Env\.(\S+) \}\}").Groups[1].Value)).Where(static one => one.Volume.Length > 0).ToList();
        Assert.Equal(["redis", "worker-1", "worker-2", "worker-3"], volumes.Select(static one => one.Key).Order());
        Assert.Equal(volumes.Count, volumes.Select(static one => one.Volume).Distinct().Count());
        // As azd names the share of a volume that the AppHost calls mdfs-NAME.
        Assert.All(volumes, static one => Assert.Equal($"SERVICE_{one.Key.ToUpperInvariant().Replace('-', '_')}_VOLUME_MDFS{one.Key.ToUpperInvariant().Replace("-", "", StringComparison.Ordinal)}_NAME", one.Volume));
    }

    [Fact]
    public void Only_the_console_is_outside_and_no_secret_stands_in_clear()
    {
        Assert.Equal(["web"], _templates.Where(static template => template.Value.Contains("external: true", StringComparison.Ordinal)).Select(static template => template.Key));
        foreach (var (name, template) in _templates)
        {
            foreach (Match secret in Regex.Matches(template, @"- name: (?:Mdfs__\w+Key|ConnectionStrings__\w+|REDIS_PASSWORD)\n\s+(\S+)"))
                Assert.True(secret.Groups[1].Value == "secretRef:", name);
            var values = Regex.Match(template, @"\n    secrets:\n((?:      .*\n)+)").Groups[1].Value;
            Assert.All(Regex.Matches(values, "value: '(.*)'").Select(static value => value.Groups[1].Value), static value => Assert.Contains("{{ securedParameter ", value));
        }
    }

    [Fact]
    public void Console_and_master_answer_to_the_same_names_because_the_console_hands_on_the_one_it_was_asked_under()
    {
        var named = _templates.Select(static template => (template.Key, Names: Regex.Match(template.Value, @"- name: Mdfs__AllowedHosts\n\s+value: (.+)").Groups[1].Value)).Where(static one => one.Names.Length > 0).ToList();
        Assert.Equal(["master", "web"], named.Select(static one => one.Key).Order());
        Assert.Single(named.Select(static one => one.Names).Distinct());
    }
}
