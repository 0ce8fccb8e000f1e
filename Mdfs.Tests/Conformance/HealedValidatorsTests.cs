using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

/// <summary>A defect of the original: Last-Modified, and with it every resumed download, changed with the replica that was read.</summary>
public sealed class HealedValidatorsTests
{
    [Fact]
    public async Task Healing_changes_neither_status_nor_validators_nor_bytes_at_any_address()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled);
        await cluster.Client.StoreAsync("healed.mp4", new MovieBytes(1, 200_000), Cancelled);
        await Dates.ComeAsync(cluster.Client, "healed.mp4", Cancelled);
        var before = await RfcTests.AddressesAsync(cluster, "healed.mp4", Cancelled);

        var lost = (await cluster.Client.FactsAsync("healed.mp4", Cancelled))!.Holders.First();
        await cluster.Worker(lost).StopAsync();
        await Eventually.TrueAsync(
            async () => (await cluster.Client.FactsAsync("healed.mp4", Cancelled))! is { Copies: 2 } facts && !facts.Holders.Contains(lost), "the lost copy is made up for", MdfsClient.Patience, Cancelled);
        var after = await RfcTests.AddressesAsync(cluster, "healed.mp4", Cancelled);

        Assert.Equal(before.Count, after.Count);
        Assert.Single(before.Concat(after).Select(subject => (subject.ETag, subject.LastModified, MovieBytes.HashOf(new MemoryStream(subject.Bytes)))).Distinct());
        var first = before[0];
        foreach (var subject in after)
        {
            // A download that was begun before is resumed after, by tag and by date.
            var moved = subject with { ETag = first.ETag, LastModified = first.LastModified };
            Assert.Empty(await moved.TryAsync("If-Range: {etag}\nRange: bytes=100000-", "206 100000-199999", Cancelled));
            Assert.Empty(await moved.TryAsync("If-Range: {date}\nRange: bytes=100000-", "206 100000-199999", Cancelled));
            Assert.Empty(await moved.TryAsync("If-Match: {etag}\nIf-Unmodified-Since: {date}\nRange: bytes=-1", "206 199999-199999", Cancelled));
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;
}
