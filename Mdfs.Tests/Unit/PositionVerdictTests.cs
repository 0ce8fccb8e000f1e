using Mdfs.Master.Catalog.Store;

namespace Mdfs.Tests.Unit;

/// <summary>What a master concludes from where Redis stands (design, section 2.7).</summary>
public sealed class PositionVerdictTests
{
    private static readonly StorePosition _mine = new(5, "me", 40, "t40", null);

    [Fact]
    public void The_position_this_master_left_is_its_own() =>
        Assert.IsType<PositionVerdict.Same>(PositionVerdict.Judge(_mine with { }, _mine));

    [Theory]
    [InlineData(6, "other")]
    [InlineData(6, null)]
    [InlineData(5, "other")]
    public void A_higher_epoch_or_the_same_of_another_reign_replaces_this_master_whatever_else_stands_there(int epoch, string? reign)
    {
        foreach (var sequence in new long?[] { null, 1, 40, 99 })
            Assert.Equal(new PositionVerdict.Replaced(epoch), PositionVerdict.Judge(new(epoch, reign, sequence, "t", "restoring"), _mine));
    }

    [Fact]
    public void A_higher_epoch_of_its_own_reign_is_one_it_raised() =>
        Assert.Equal(new PositionVerdict.OwnEpoch(9), PositionVerdict.Judge(_mine with { Epoch = 9 }, _mine));

    public static TheoryData<long?, string?, long?, string?, string?> Backwards => new()
    {
        { null, null, null, null, null },
        { null, "me", 40, "t40", null },
        { 4, "other", 40, "t40", null },
        { 4, "me", 99, "t99", null },
        { 5, null, 40, "t40", null },
        { 5, "me", null, "t40", null },
        { 5, "me", 39, "t39", null },
        { 5, "me", 40, "another", null },
        { 5, "me", 40, null, null },
        { 5, "me", 41, "unknown", null },
        { 5, "me", 40, "t40", "restoring" },
        { 5, "me", 41, "t41", "rebuilding" },
    };

    [Theory]
    [MemberData(nameof(Backwards))]
    public void Anything_else_means_that_Redis_went_back(long? epoch, string? reign, long? sequence, string? transaction, string? marker) =>
        Assert.NotEmpty(Assert.IsType<PositionVerdict.WentBack>(PositionVerdict.Judge(new(epoch, reign, sequence, transaction, marker), _mine)).Reason);

    [Fact]
    public void A_marker_that_is_expected_is_no_interrupted_restore()
    {
        var rebuilding = _mine with { Marker = StorePosition.Rebuilding };
        Assert.IsType<PositionVerdict.Same>(PositionVerdict.Judge(rebuilding with { }, rebuilding));
        Assert.IsType<PositionVerdict.WentBack>(PositionVerdict.Judge(_mine, rebuilding));
    }
}
