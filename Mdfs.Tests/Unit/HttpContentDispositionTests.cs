using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using CsCheck;
using Mdfs.Protocol.Http;
using Xunit;

namespace Mdfs.Tests.Unit;

/// <summary>RFC 6266 and RFC 8187.</summary>
public sealed partial class HttpContentDispositionTests
{
    [Theory]
    [InlineData("movie.mp4", "movie.mp4", "movie.mp4")]
    [InlineData("my movie.mp4", "my movie.mp4", "my%20movie.mp4")]
    [InlineData("a;b=c,d.mp4", "a;b=c,d.mp4", "a%3Bb%3Dc%2Cd.mp4")]
    [InlineData("it's.mp4", "it's.mp4", "it%27s.mp4")]
    [InlineData("say \"hi\".mp4", "say _hi_.mp4", "say%20%22hi%22.mp4")]
    [InlineData("back\\slash.mp4", "back_slash.mp4", "back%5Cslash.mp4")]
    [InlineData("100%25.mp4", "100_25.mp4", "100%2525.mp4")]
    [InlineData("../up.mp4", ".._up.mp4", "..%2Fup.mp4")]
    [InlineData("a\r\nSet-Cookie: x.mp4", "a__Set-Cookie: x.mp4", "a__Set-Cookie%3A%20x.mp4")]
    [InlineData("nul\0del\u007Fnel\u0085.mp4", "nul_del_nel_.mp4", "nul_del_nel_.mp4")]
    [InlineData("Amélie.mkv", "Am_lie.mkv", "Am%C3%A9lie.mkv")]
    [InlineData("千与千寻.mp4", "____.mp4", "%E5%8D%83%E4%B8%8E%E5%8D%83%E5%AF%BB.mp4")]
    [InlineData("🎬.mp4", "_.mp4", "%F0%9F%8E%AC.mp4")]
    [InlineData("a-b_c.d~e!.mp4", "a-b_c.d~e!.mp4", "a-b_c.d~e%21.mp4")]
    public void A_name_is_told_twice_plain_and_exact(string name, string plain, string exact)
    {
        Assert.Equal($"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}", ContentDisposition.For(name, attachment: true));
        Assert.Equal($"inline; filename=\"{plain}\"; filename*=UTF-8''{exact}", ContentDisposition.For(name, attachment: false));
    }

    [Fact]
    public void A_lone_surrogate_becomes_the_replacement_character() =>
        Assert.Equal("inline; filename=\"a_.mp4\"; filename*=UTF-8''a%EF%BF%BD.mp4", ContentDisposition.For("a\uD83C.mp4", attachment: false));

    [Fact]
    public void No_name_leaves_its_quotes_or_its_line() =>
        Gen.String[Gen.OneOf(Gen.Char, Gen.Char["\"\\%;'\r\n= é"]), 0, 40].Sample(name =>
            Assert.Matches(Shape(), ContentDisposition.For(name, attachment: true)));

    [Fact]
    public void A_client_reads_back_the_very_name() =>
        Gen.String[Gen.OneOf(Gen.Char[' ', '~'], Gen.Char["\"\\%;'éß千ж"]), 1, 40].Sample(name =>
            Assert.Equal(name, ContentDispositionHeaderValue.Parse(ContentDisposition.For(name, attachment: true)).FileNameStar));

    [GeneratedRegex("""\Aattachment; filename="[ -~-["\\%/]]*"; filename\*=UTF-8''([A-Za-z0-9._~-]|%[0-9A-F]{2})*\z""")]
    private static partial Regex Shape();
}
