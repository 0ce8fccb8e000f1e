using Mdfs.Standalone;

namespace Mdfs.Tests.Unit;

/// <summary>The same command line with and without Aspire (docs/operations.md, Containers).</summary>
public sealed class EmbeddedArgumentsTests
{
    [Theory]
    [InlineData("--workers 2 --port=0", "--workers 2 --port=0")]
    [InlineData("--Parameters:admin-key=my-own-admin-key --workers 2", "--Mdfs:AdminKey=my-own-admin-key --workers 2")]
    [InlineData("--Parameters:admin-key my-own-admin-key", "--Mdfs:AdminKey my-own-admin-key")]
    [InlineData("--parameters:cluster-key=a=b", "--Mdfs:ClusterKey=a=b")]
    [InlineData("--Parameters:admin-key=", "")]
    [InlineData("", "")]
    public void Keys_may_be_given_as_parameters(string given, string translated) =>
        Assert.Equal(Words(translated), EmbeddedArguments.Translate(Words(given), out _));

    [Theory]
    [InlineData("--workers 2 --fronts 2", "--fronts")]
    [InlineData("--fronts=2", "--fronts")]
    [InlineData("--publisher manifest", "Aspire")]
    [InlineData("--Parameters:redis-password=x", "redis-password")]
    public void What_there_is_not_is_refused_and_never_ignored(string given, string named)
    {
        Assert.Null(EmbeddedArguments.Translate(Words(given), out var refusal));
        Assert.Contains(named, refusal);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
