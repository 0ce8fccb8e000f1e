using System.Text;
using Mdfs.ServiceDefaults.Loops;

namespace Mdfs.Tests.Unit;

/// <summary>Which requests a loop may answer: those that can be read in one way only. Everything else goes to the server with the very same bytes.</summary>
public sealed class RequestHeadTests
{
    private const string Plain = "GET /play?name=a.mp4 HTTP/1.1\r\nHost: here\r\nRange: bytes=0-9\r\nuser-agent: mpv\r\n\r\n";

    [Fact]
    public void A_plain_request_is_read_with_what_it_asks()
    {
        Assert.True(RequestHead.TryRead(Encoding.ASCII.GetBytes(Plain + "GET /next"), out var head));
        Assert.Equal("/play?name=a.mp4", Encoding.ASCII.GetString(head.Target));
        Assert.Equal(Plain.Length, head.Length);
        Assert.Equal("mpv", head.Find("user-agent"u8));
        Assert.Equal("bytes=0-9", head.Content().Range);
        Assert.Null(head.Content().IfRange);
        Assert.False(head.Has("user"u8));
    }

    [Theory]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\n")]
    [InlineData("GET /a HTTP/1.0\r\nHost: here\r\n\r\n")]
    [InlineData("HEAD /a HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("get /a HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("GET http://here/a HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("GET  /a HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("GET /a b HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("GET /a#b HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nRange: bytes=0-1\r\nrange: bytes=2-3\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\ntransfer-encoding: chunked\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nUpgrade: h2c\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nOrigin: https://elsewhere\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nRange : bytes=0-1\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\n folded\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nX: a\nRange: bytes=0-1\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nX: \u00e9\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: here\r\nnothing\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\nHost: here\n\n")]
    [InlineData("\u0016\u0003\u0001GET /a HTTP/1.1\r\nHost: here\r\n\r\n")]
    public void Anything_else_is_left_to_the_server(string request) => Assert.False(RequestHead.TryRead(Encoding.Latin1.GetBytes(request), out _));

    [Theory]
    [InlineData("localhost")]
    [InlineData("Films.example.com:8080")]
    [InlineData("my_nas-1")]
    [InlineData("192.168.1.5:80")]
    [InlineData("[::1]")]
    [InlineData("[fd00::5]:65535")]
    [InlineData("[::ffff:1.2.3.4]")]
    [InlineData(" nas ")]
    public void A_plain_name_or_address_is_a_host(string host) => Assert.True(RequestHead.TryRead(Encoding.ASCII.GetBytes($"GET /a HTTP/1.1\r\nHost:{host}\r\n\r\n"), out _));

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("localhost/")]
    [InlineData("localhost:80/evil")]
    [InlineData("x:abc")]
    [InlineData("nas:")]
    [InlineData(":80")]
    [InlineData("localhost:-1")]
    [InlineData("nas:123456")]
    [InlineData("user@nas")]
    [InlineData("nas:80,evil.example")]
    [InlineData("nas,evil.example")]
    [InlineData("::1")]
    [InlineData("[::1]x")]
    [InlineData("[::1]:")]
    [InlineData("[::1")]
    [InlineData("[]")]
    [InlineData("[nas]")]
    [InlineData("[fe80::1%25eth0]")]
    [InlineData("b%C3%BCcher.example")]
    public void Any_other_host_is_the_server_s_to_judge(string host) => Assert.False(RequestHead.TryRead(Encoding.ASCII.GetBytes($"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n"), out _));

    [Fact]
    public void A_head_with_more_headers_than_any_player_sends_is_left_to_the_server() =>
        Assert.False(RequestHead.TryRead(Encoding.ASCII.GetBytes($"GET /a HTTP/1.1\r\nHost: here\r\n{string.Concat(Enumerable.Range(0, 80).Select(static number => $"X-{number}: a\r\n"))}\r\n"), out _));
}
