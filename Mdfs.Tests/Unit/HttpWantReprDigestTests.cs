using Mdfs.Protocol.Http;

namespace Mdfs.Tests.Unit;

/// <summary>RFC 9530, section 4.</summary>
public sealed class HttpWantReprDigestTests
{
    [Theory]
    [InlineData("sha-256=10", true)]
    [InlineData("sha-256=1", true)]
    [InlineData("sha-512=3, sha-256=10, unixsum=0", true)]
    [InlineData("sha-512=3,\tsha-256=10", true)]
    [InlineData("sha-256=9;q=1", true)]
    [InlineData("sha-256=0, sha-256=3", true)]
    [InlineData("sha-256=3, sha-256=0", false)]
    [InlineData("sha-256=0", false)]
    [InlineData("sha-512=10", false)]
    [InlineData("sha-256=11", false)]
    [InlineData("sha-256=-1", false)]
    [InlineData("sha-256", false)]
    [InlineData("SHA-256=1", false)]
    [InlineData("sha-256=1, =", false)]
    [InlineData("sha-256=x", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_sha_256_is_wished_for_or_not(string? field, bool wished) => Assert.Equal(wished, WantReprDigest.Sha256(field));
}
