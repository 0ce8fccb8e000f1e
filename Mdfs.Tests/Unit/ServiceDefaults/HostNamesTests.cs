using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;

namespace Mdfs.Tests.Unit.ServiceDefaults;

public sealed class HostNamesTests
{
    [Theory]
    [InlineData("localhost:8080", true)]
    [InlineData("console.localhost", true)]
    [InlineData("127.0.0.1:8080", true)]
    [InlineData("[::1]:8080", true)]
    [InlineData("192.168.1.5:8080", false)]
    [InlineData("nas:8080", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("", false)]
    public void In_development_only_loopback_names_count(string host, bool allowed) => Assert.Equal(allowed, Names("Development").Allows(new HostString(host)));

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("192.168.1.5:8080", true)]
    [InlineData("[fd00::5]:8080", true)]
    [InlineData("master:8080", true)]
    [InlineData("nas.local", true)]
    [InlineData("nas.local.", true)]
    [InlineData("movies.example.com", false)]
    [InlineData("evillocal.example", false)]
    [InlineData("", false)]
    public void Elsewhere_names_that_no_stranger_can_own_count(string host, bool allowed) => Assert.Equal(allowed, Names("Production").Allows(new HostString(host)));

    [Fact]
    public void What_was_allowed_last_allows_nothing_else()
    {
        var names = Names("Production", "movies.example.com");
        foreach (var (host, allowed) in ((string?, bool)[])[("", false), (null, false), ("movies.example.com", true), ("movies.example.com", true), ("evil.example", false), ("movies.example.com", true), ("movies.example.com:443", true), ("", false), (null, false), ("evil.example", false), ("evil.example", false)])
            Assert.Equal(allowed, names.Allows(new HostString(host!)));
    }

    [Theory]
    [InlineData("movies.example.com", true)]
    [InlineData("MOVIES.example.com:443", true)]
    [InlineData("a.films.example", true)]
    [InlineData("films.example", false)]
    [InlineData("evilfilms.example", false)]
    [InlineData("10.0.0.9", true)]
    [InlineData("[fd00::5]", true)]
    [InlineData("nas", false)]
    [InlineData("192.168.1.5", false)]
    [InlineData("localhost", true)]
    public void What_is_configured_counts_alone_beside_loopback(string host, bool allowed) =>
        Assert.Equal(allowed, Names("Production", "movies.example.com; *.films.example,10.0.0.9;fd00::5").Allows(new HostString(host)));

    [Theory]
    [InlineData("b\u00fccher.example", "xn--bcher-kva.example", true)]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example:8080", true)]
    [InlineData("*.B\u00dcCHER.example", "films.xn--bcher-kva.example", true)]
    [InlineData("b\u00fccher.example", "xn--bcher-kvb.example", false)]
    [InlineData("*", "xn--a", false)]
    [InlineData(null, "xn--a", false)]
    public void A_name_in_any_script_counts_however_it_is_spelt(string? configured, string host, bool allowed) => Assert.Equal(allowed, Names("Production", configured).Allows(new HostString(host)));

    [Theory]
    [InlineData("https://films.example.com")]
    [InlineData("films.example.com/")]
    [InlineData("films.example.com:443")]
    [InlineData("[fd00::5]:8080")]
    [InlineData("nas;*.films.example:8080")]
    [InlineData("films.*.example")]
    public void What_no_request_can_be_for_is_refused_at_the_start(string configured) => Assert.Contains("Mdfs:AllowedHosts", Assert.Throws<SettingException>(() => Names("Production", configured)).Message);

    [Fact]
    public void A_star_allows_every_name() => Assert.True(Names("Development", "*").Allows(new HostString("anything.example")));

    private static HostNames Names(string environment, string? allowed = null) => new(
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("Mdfs:AllowedHosts", allowed)]).Build(), new Environment(environment));

    private sealed class Environment(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;

        public string ApplicationName { get; set; } = "";

        public string ContentRootPath { get; set; } = "";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
