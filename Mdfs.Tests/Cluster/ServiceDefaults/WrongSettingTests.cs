using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Loops;
using Microsoft.Extensions.Configuration;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

/// <summary>Settings of every service that cannot be what they are: the start ends with one of those failures that a program tells in a sentence (<see cref="StandaloneProgramTests"/> has such programs).</summary>
public sealed class WrongSettingTests
{
    [Theory]
    [InlineData("Mdfs:KeyFailures", "ten")]
    [InlineData("Mdfs:KeyFailures", "0")]
    [InlineData("Mdfs:TrustedProxies", "x")]
    [InlineData("Mdfs:Cors:AllowedOrigins", "x")]
    [InlineData("Mdfs:AllowedHosts", "https://films.example.com")]
    [InlineData("Mdfs:SocketOutput", "perhaps")]
    public async Task A_wrong_setting_stops_the_start_and_is_named(string setting, string value) =>
        AssertTold(setting, await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using var app = await DefaultsApp.StartAsync(static _ => { }, new() { [setting] = value });
        }));

    [Theory]
    [InlineData("x")]
    [InlineData("-5")]
    [InlineData("1000")]
    public void A_wrong_number_of_event_loops_is_named(string value) =>
        AssertTold(LoopHosting.Setting, Assert.ThrowsAny<Exception>(() => LoopHosting.Count(new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create<string, string?>(LoopHosting.Setting, value)]).Build())));

    [Fact]
    public void A_wrong_word_about_splice_is_named() =>
        AssertTold(LoopPipes.Setting, Assert.ThrowsAny<Exception>(() => LoopPipes.IsWanted(new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create<string, string?>(LoopPipes.Setting, "perhaps")]).Build())));

    private static void AssertTold(string setting, Exception failure)
    {
        Assert.True(SettingException.IsToldBy(failure), $"{failure}");
        Assert.Contains(setting, failure.Message);
    }
}
