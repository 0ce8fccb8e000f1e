using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>The shipped Compose file, as Compose itself reads it. Whether the containers run can be told only where there is a container engine.</summary>
public sealed class ComposeTests
{
    [Fact]
    public async Task Compose_reads_it_only_the_console_is_open_to_the_network_and_no_key_stands_in_it()
    {
        var compose = Tools.Require("docker-compose");
        await using var process = ServiceProcess.Run(compose, ["-f", Repository.File("docker-compose.yml"), "config"]);
        Assert.True(await process.WaitForExitAsync(TestContext.Current.CancellationToken) == 0, process.Output);
        var services = Services(process.Output);

        Assert.Equal(["grafana", "init", "master", "prometheus", "redis", "web", "worker-1", "worker-2", "worker-3"], services.Keys.Order());
        var open = services.SelectMany(service => Regex.Matches(service.Value, @"^    - ([\d.]+:)?\d+:(\d+)/tcp$", RegexOptions.Multiline).Select(port => $"{service.Key} {port.Groups[1]}{port.Groups[2]}"));
        // A port of every address is printed as a mapping, one of a certain address as a line.
        open = open.Concat(services.SelectMany(service => Regex.Matches(service.Value, @"^    - published: ""?(\d+)""?$", RegexOptions.Multiline).Select(port => $"{service.Key} {port.Groups[1]}")));
        Assert.Equal(["grafana 127.0.0.1:3000", "prometheus 127.0.0.1:9090", "web 8080"], open.Order());
        foreach (var (name, text) in services.Where(service => service.Key != "init"))
        {
            Assert.True(text.Contains("read_only: true") && text.Contains("restart: unless-stopped") && text.Contains("healthcheck:") && text.Contains("mem_limit:") && text.Contains("no-new-privileges") && !text.Contains("cap_add"), name);
        }

        foreach (var worker in (string[])["worker-1", "worker-2", "worker-3"])
        {
            Assert.Contains($"- {worker}:/data:rw", services[worker]);
            Assert.Contains($"Mdfs__Worker__AdvertisedUrl: http://{worker}:8081", services[worker]);
        }

        Assert.Contains("appendfsync", services["redis"]);
        Assert.DoesNotMatch("(?i)(adminkey|clusterkey|password): *[^ /]", process.Output);
    }

    [Fact]
    public void Every_image_that_Compose_builds_is_a_target_of_the_Dockerfile_and_publishes_a_project()
    {
        var (compose, docker) = (File.ReadAllText(Repository.File("docker-compose.yml")), File.ReadAllText(Repository.File("Dockerfile")));
        var targets = Regex.Matches(compose, @"target: (\w+)").Select(static target => target.Groups[1].Value).Distinct().ToList();
        Assert.Equal(["master", "web", "worker"], targets.Order());
        Assert.All(targets, target => Assert.Contains($" AS {target}", docker));
        Assert.All(Regex.Matches(docker, @"""/app/(Mdfs\.\w+)""").Select(static match => match.Groups[1].Value), project => Assert.True(File.Exists(Repository.File($"{project}/{project}.csproj"))));
    }

    [Theory]
    [InlineData("garnet")]
    [InlineData("master")]
    [InlineData("worker")]
    [InlineData("web")]
    public void An_image_that_the_SDK_makes_has_the_settings_and_the_port_of_the_Dockerfiles(string target)
    {
        // Of ASP.NET's own base image, of which the SDK takes it over.
        const string Default = "8080";
        var docker = File.ReadAllText(Repository.File("Dockerfile"));
        string Stage(string start) => Regex.Match(docker, $@"^FROM {start}\n(.*?)(?=^FROM|\z)", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value;
        var stage = Stage($"base AS {target}");
        var project = Regex.Match(stage, "\"/app/(Mdfs\\.\\w+)\"").Groups[1].Value;
        var published = File.ReadAllText(Repository.File("Directory.Build.props")) + File.ReadAllText(Repository.File($"{project}/{project}.csproj"));

        var settings = Regex.Matches(Stage(@"\S+ AS base") + stage, "^ENV (.+)$", RegexOptions.Multiline).SelectMany(static line => line.Groups[1].Value.Split(' ').Select(static setting => setting.Split('='))).ToList();
        Assert.NotEmpty(settings);
        Assert.All(settings.Where(static setting => setting[1] != Default), setting => Assert.Contains($"<ContainerEnvironmentVariable Include=\"{setting[0]}\" Value=\"{setting[1]}\" />", published));
        var port = Regex.Match(stage, @"EXPOSE (\d+)").Groups[1].Value;
        if (port != Default) Assert.Contains($"<ContainerPort Include=\"{port}\" Type=\"tcp\" />", published);
    }

    private static Dictionary<string, string> Services(string config)
    {
        var services = Regex.Match(config.ReplaceLineEndings("\n"), @"^services:\n((?:  .*\n)+)", RegexOptions.Multiline).Groups[1].Value;
        return Regex.Split(services, @"^  (?=\S+:$)", RegexOptions.Multiline).Where(static part => part.Length > 0).ToDictionary(static part => part[..part.IndexOf(':', StringComparison.Ordinal)]);
    }
}
