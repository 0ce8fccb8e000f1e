using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;

namespace Mdfs.Tests.Unit;

public sealed class SignedLinksTests
{
    private const long Now = 1_800_000_000_000;

    private readonly SignedLinks _links = new(new ClusterKeys("a cluster key for the tests"));
    private readonly LinkClaim _claim = new(LinkServer.Worker, FileName.Parse("Über 100%.mp4"), new MovieVersion(17), Attachment: false, Now + 1000);

    [Fact]
    public void A_link_is_good_until_it_expires()
    {
        Assert.Equal(LinkVerdict.Valid, Check(_claim, Now));
        Assert.Equal(LinkVerdict.Valid, Check(_claim, Now + 1000));
        Assert.Equal(LinkVerdict.Expired, Check(_claim, Now + 1001));
    }

    [Fact]
    public void It_opens_nothing_that_differs_in_anything()
    {
        LinkClaim[] others =
        [
            _claim with { Version = new MovieVersion(18) },
            _claim with { Name = FileName.Parse("Uber 100%.mp4") },
            _claim with { Attachment = true },
            _claim with { Server = LinkServer.Master },
        ];
        Assert.All(others, other => Assert.Equal(LinkVerdict.Wrong, Check(other, Now, _claim)));
    }

    [Fact]
    public void Its_life_cannot_be_lengthened()
    {
        var (_, signature) = Parts(_claim);
        Assert.Equal(LinkVerdict.Wrong, _links.Check(_claim, $"{Now + 2000}", signature, Now));
        Assert.Equal(LinkVerdict.Wrong, _links.Check(_claim, $"0{_claim.Expires}1", signature, Now));
        Assert.Equal(LinkVerdict.Wrong, _links.Check(_claim, "-1", signature, Now));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("!")]
    [InlineData("AAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void What_is_no_signature_opens_nothing(string? signature) => Assert.Equal(LinkVerdict.Wrong, _links.Check(_claim, $"{_claim.Expires}", signature, Now));

    [Fact]
    public void One_changed_character_anywhere_spoils_it()
    {
        var (expires, signature) = Parts(_claim);
        for (var i = 0; i < signature.Length - 1; i++)
        {
            var other = $"{signature[..i]}{(signature[i] == 'A' ? 'B' : 'A')}{signature[(i + 1)..]}";
            Assert.Equal(LinkVerdict.Wrong, _links.Check(_claim, expires, other, Now));
        }
    }

    [Fact]
    public void Another_cluster_signs_otherwise() =>
        Assert.Equal(LinkVerdict.Wrong, new SignedLinks(new ClusterKeys("another cluster key of the tests")).Check(_claim, $"{_claim.Expires}", Parts(_claim).Signature, Now));

    private LinkVerdict Check(LinkClaim claim, long now, LinkClaim? signed = null)
    {
        var (expires, signature) = Parts(signed ?? claim);
        return _links.Check(claim, expires, signature, now);
    }

    private (string Expires, string Signature) Parts(LinkClaim claim)
    {
        var query = System.Web.HttpUtility.ParseQueryString(_links.Query(claim));
        return (query["expires"]!, query["signature"]!);
    }
}
