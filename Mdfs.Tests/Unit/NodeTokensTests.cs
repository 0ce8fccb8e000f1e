using Mdfs.Protocol.Security;

namespace Mdfs.Tests.Unit;

/// <summary>A token that no node can have made is refused like one that none has made.</summary>
public sealed class NodeTokensTests
{
    private readonly NodeTokens _tokens = new(new ClusterKeys("a cluster key of the tests"));

    [Theory]
    [InlineData("@@@@")]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("AAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\u00e9")]
    public void What_is_no_signature_makes_a_token_that_cannot_be_read(string signature) =>
        Assert.Equal(TokenVerdict.Malformed, _tokens.Check($"1.2.x.y.1.1..{signature}", NodePurpose.Report, "POST", "/internal/beats", "y", 1, out _));
}
