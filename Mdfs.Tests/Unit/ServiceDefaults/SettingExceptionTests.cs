using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Mdfs.Tests.Unit.ServiceDefaults;

public sealed class SettingExceptionTests
{
    [Fact]
    public void Several_settings_that_are_wrong_are_told_in_a_sentence_each()
    {
        var services = new ServiceCollection();
        services.AddOptions<One>().Validate(static _ => false, "The first must not be so.").ValidateOnStart();
        services.AddOptions<Other>().Validate(static _ => false, "Nor may the second.").ValidateOnStart();
        using var provider = services.BuildServiceProvider();
        var failure = Assert.Throws<AggregateException>(provider.GetRequiredService<IStartupValidator>().Validate);
        Assert.True(SettingException.IsToldBy(failure));
        Assert.Equal($"The first must not be so.{Environment.NewLine}Nor may the second.", SettingException.Sentences(failure));
        Assert.False(SettingException.IsToldBy(new AggregateException(failure, new IOException("The disk is full."))));
    }

    private sealed class One;

    private sealed class Other;
}
