using Mdfs.Protocol.Names;
using Xunit;

namespace Mdfs.Tests.Unit;

public sealed class HttpVideoTypesTests
{
    [Theory]
    [InlineData("a.mp4", "video/mp4")]
    [InlineData("a.m4v", "video/mp4")]
    [InlineData("a.mkv", "video/x-matroska")]
    [InlineData("a.avi", "video/x-msvideo")]
    [InlineData("a.mov", "video/quicktime")]
    [InlineData("a.wmv", "video/x-ms-wmv")]
    [InlineData("a.flv", "video/x-flv")]
    [InlineData("a.webm", "video/webm")]
    [InlineData("A.MP4", "video/mp4")]
    [InlineData("a.mp4.WebM", "video/webm")]
    [InlineData("a.mp4.txt", "application/octet-stream")]
    [InlineData("mp4", "application/octet-stream")]
    [InlineData("a.", "application/octet-stream")]
    [InlineData("", "application/octet-stream")]
    public void The_content_type_follows_the_extension(string name, string type) => Assert.Equal(type, VideoTypes.ContentType(name));

    [Fact]
    public void Every_name_that_is_taken_by_default_has_a_video_type() =>
        Assert.All(NameRules.DefaultExtensions, extension => Assert.StartsWith("video/", VideoTypes.ContentType("a" + extension), StringComparison.Ordinal));
}
