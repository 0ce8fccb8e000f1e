using Mdfs.Master;

namespace Mdfs.Tests.Unit;

/// <summary><c>AllowedExtensions</c> as an operator writes it.</summary>
public sealed class AllowedExtensionsTests
{
    [Theory]
    [InlineData("*", "notes.txt", true)]
    [InlineData(" * ", "no extension", true)]
    [InlineData("", "notes.txt", true)]
    [InlineData(".mp4 .ts", "a.ts", true)]
    [InlineData("mp4, ts", "a.TS", true)]
    [InlineData(".mp4;.ts", "a.mp4", true)]
    [InlineData(".mp4 .ts", "a.mkv", false)]
    [InlineData(".mp4 .ts", "mp4", false)]
    [InlineData(".mp4 *", "a.mkv", false)]
    public void Names_are_taken_by_the_list(string allowed, string name, bool taken) =>
        Assert.Equal(taken, new MasterOptions { AllowedExtensions = allowed }.Names.TryAccept(name, out _, out _));

    [Fact]
    public void Without_a_list_they_are_those_of_movies()
    {
        Assert.True(new MasterOptions().Names.TryAccept("a.MKV", out _, out _));
        Assert.False(new MasterOptions().Names.TryAccept("notes.txt", out _, out _));
    }
}
