using CsCheck;
using Mdfs.Protocol.Http;
using Xunit;

namespace Mdfs.Tests.Unit;

/// <summary>RFC 9110, section 5.6.7.</summary>
public sealed class HttpDateTests
{
    private static readonly DateTimeOffset _example = new(1994, 11, 6, 8, 49, 37, TimeSpan.Zero);

    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sun Nov  6 08:49:37 1994")]
    [InlineData("Sun Nov 06 08:49:37 1994")]
    [InlineData(" \tSun, 06 Nov 1994 08:49:37 GMT ")]
    public void All_three_formats_of_the_RFC_name_the_same_moment(string text)
    {
        Assert.True(HttpDate.TryParse(text, HttpExchange.Now, out var time));
        Assert.Equal(_example, time);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("784111777")]
    [InlineData("1994-11-06T08:49:37Z")]
    [InlineData("06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 6 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 UTC")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 +0000")]
    [InlineData("Sun, 06 Nov 1994 08:49:37")]
    [InlineData("sun, 06 nov 1994 08:49:37 gmt")]
    [InlineData("Son, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Okt 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 anF 1994 08:49:37 GMT")]
    [InlineData("Sun, 00 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 31 Nov 1994 08:49:37 GMT")]
    [InlineData("Wed, 29 Feb 1995 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 0000 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 24:00:00 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:60:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 08:49:61 GMT")]
    [InlineData("Sun, 06 Nov 1994 08-49-37 GMT")]
    [InlineData("Sun, +6 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sunday, 06 Nov 94 08:49:37 GMT")]
    [InlineData("Funday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sun Nov  6 08:49:37 94  ")]
    [InlineData("Sun Nov  0 08:49:37 1994")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT")]
    public void Anything_else_is_no_date(string? text) => Assert.False(HttpDate.TryParse(text, HttpExchange.Now, out _));

    [Theory]
    [InlineData("Sunday, 01-Mar-76 12:00:00 GMT", 2076)] // fifty years ahead to the second
    [InlineData("Sunday, 01-Mar-76 12:00:01 GMT", 1976)] // a second more
    [InlineData("Sunday, 01-Mar-77 00:00:00 GMT", 1977)]
    [InlineData("Sunday, 28-Feb-76 00:00:00 GMT", 2076)]
    [InlineData("Sunday, 01-Mar-26 00:00:00 GMT", 2026)]
    [InlineData("Sunday, 01-Mar-00 00:00:00 GMT", 2000)]
    public void A_two_digit_year_more_than_fifty_years_ahead_lies_in_the_past(string text, int year)
    {
        Assert.True(HttpDate.TryParse(text, HttpExchange.Now, out var time));
        Assert.Equal(year, time.Year);
    }

    [Fact]
    public void A_leap_second_is_the_end_of_its_minute()
    {
        Assert.True(HttpDate.TryParse("Sat, 31 Dec 2016 23:59:60 GMT", HttpExchange.Now, out var time));
        Assert.Equal(new DateTimeOffset(2016, 12, 31, 23, 59, 59, TimeSpan.Zero), time);
    }

    [Fact]
    public void The_last_moment_of_all_is_read_without_overflow() =>
        Assert.True(HttpDate.TryParse("Fri, 31 Dec 9999 23:59:60 GMT", HttpExchange.Now, out _));

    [Fact]
    public void What_is_written_is_read_back_to_the_second() =>
        Gen.DateTimeOffset.Sample(time =>
        {
            Assert.True(HttpDate.TryParse(HttpDate.Format(time), HttpExchange.Now, out var back));
            Assert.Equal(HttpDate.WholeSeconds(time), back);
        });
}
