using System.Security.Cryptography;
using CsCheck;
using Mdfs.Protocol.Http;
using Xunit;

namespace Mdfs.Tests.Unit;

/// <summary>RFC 9530 and, for the form of the header, RFC 9651.</summary>
public sealed class HttpReprDigestTests
{
    // SHA-256 of nothing, and of "a".
    private const string Empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    private const string OfA = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";

    [Theory]
    [InlineData($"sha-256=:{Empty}:", Empty)]
    [InlineData($"  sha-256=:{Empty}:  ", Empty)]
    [InlineData($"sha-512=:AAAA:, sha-256=:{Empty}:", Empty)]
    [InlineData($"sha-256=:{Empty}:\t,\tunixsum=:AAA=:", Empty)]
    [InlineData($"sha-256=:{OfA}:, sha-256=:{Empty}:", Empty)] // of a key that comes twice the last counts
    [InlineData($"sha-256=:{Empty}:;note=\"a, \\\"b\\\"; c\";q=0.5;flag;when=@1;t=tok/en;on=?1;b=:AA==:;d=%\"%c3%a9\"", Empty)]
    [InlineData("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU:", Empty)] // padding may be missing
    public void A_digest_is_found(string field, string base64)
    {
        var digest = Assert.IsType<ReprDigest.Sha256>(ReprDigest.Parse(field));
        Assert.Equal(base64, Convert.ToBase64String(digest.Hash.Span));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("sha-512=:AAAA:")]
    [InlineData("sha=:AAAA:, md5=:AAAA:, *x.y_z-1=::")]
    public void A_header_without_our_algorithm_asks_for_nothing(string? field) => Assert.IsType<ReprDigest.None>(ReprDigest.Parse(field));

    [Theory]
    [InlineData("sha-256")]
    [InlineData("sha-256=")]
    [InlineData("sha-256=::")]
    [InlineData("sha-256=:AAAA:")]
    [InlineData($"sha-256={Empty}")]
    [InlineData($"sha-256=\"{Empty}\"")]
    [InlineData($"sha-256=:{Empty}")]
    [InlineData($"SHA-256=:{Empty}:")]
    [InlineData($"sha-256 = :{Empty}:")]
    [InlineData($"sha-256=:{Empty}:,")]
    [InlineData($",sha-256=:{Empty}:")]
    [InlineData($"sha-256=:{Empty}: sha-512=:AAAA:")]
    [InlineData($"sha-256=:{Empty}:, sha-512")]
    [InlineData($"sha-256=:{Empty}:;")]
    [InlineData($"sha-256=:{Empty}:;a=")]
    [InlineData($"sha-256=:{Empty}:;a=\"open")]
    [InlineData("sha-256=:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=:")] // base64url
    [InlineData("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUAAAA=:")]
    [InlineData("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA:")] // 33 bytes
    [InlineData("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==:")] // 31 bytes
    [InlineData("sha-256=:47DEQpj8HBSa+/T=mW+5JCeuQeRkm5NMpJWZG3hSuFU=:")]
    [InlineData("sha-256=:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855:")] // hexadecimal
    public void A_header_that_cannot_be_read_is_called_so(string field) =>
        Assert.NotEmpty(Assert.IsType<ReprDigest.Malformed>(ReprDigest.Parse(field)).Why);

    [Fact]
    public void What_is_written_is_read_back()
    {
        Assert.Equal($"sha-256=:{Empty}:", ReprDigest.Format(SHA256.HashData([])));
        Gen.Byte.Array[32].Sample(hash => Assert.Equal(hash, ((ReprDigest.Sha256)ReprDigest.Parse(ReprDigest.Format(hash))).Hash.ToArray()));
    }

    [Fact]
    public void A_hash_of_another_length_is_not_written() => Assert.Throws<ArgumentException>(() => ReprDigest.Format(new byte[31]));

    [Fact]
    public void No_header_makes_the_parser_throw() =>
        Gen.OneOf(Gen.String, Gen.Char["sha-256=:,;\"\\ AB+/*"].Array[0, 60].Select(noise => new string(noise)))
            .Sample(field => ReprDigest.Parse(field));
}
