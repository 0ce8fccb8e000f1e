using Mdfs.Master.Nodes;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

/// <summary>What reading a catalog has left behind is given back. With nothing beside it: the memory counted is that of the whole process.</summary>
[Collection(nameof(TransferMemoryTests))]
public sealed class SpareMemoryTests
{
    private static readonly TimeSpan _calm = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_given_back_once_all_has_come_and_what_stays_is_moved_together()
    {
        await using var rig = await MasterRig.StartAsync(_time);
        var memory = rig.Get<SpareMemory>();
        await SettleAsync(memory);
        var before = memory.GivenBack;
        var kept = Scatter();
        // Right after all was moved together: what is free even so lies beside what other tests have pinned.
        var (scattered, pinned) = (GC.GetGCMemoryInfo(GCKind.FullBlocking).HeapSizeBytes, GC.GetGCMemoryInfo(GCKind.FullBlocking).FragmentedBytes);
        memory.Note(30_000);
        await memory.RunOnceAsync(Cancelled);
        Assert.Equal(before, memory.GivenBack);

        _time.Advance(_calm);
        await memory.RunOnceAsync(Cancelled);
        Assert.Equal(before + 1, memory.GivenBack);
        var after = GC.GetGCMemoryInfo(GCKind.FullBlocking);
        Assert.True(after.Compacted);
        // A piece of what was dropped lay beside each that stays: collected but not moved together it would all still be the heap's.
        TestContext.Current.SendDiagnosticMessage("{0} MiB before, {1} after, {2} of them free", scattered >> 20, after.HeapSizeBytes >> 20, after.FragmentedBytes >> 20);
        Assert.InRange(after.FragmentedBytes, 0, pinned + (Pieces * (long)Piece / 4));
        Assert.InRange(after.HeapSizeBytes, 0, scattered - (Pieces * (long)Piece / 2));
        GC.KeepAlive(kept);
    }

    [Fact]
    public async Task Nothing_is_moved_for_the_little_that_one_node_leaves_behind()
    {
        await using var rig = await MasterRig.StartAsync(_time);
        var memory = rig.Get<SpareMemory>();
        await SettleAsync(memory);
        var before = memory.GivenBack;
        memory.Note(19_000);
        _time.Advance(_calm);
        await memory.RunOnceAsync(Cancelled);
        Assert.Equal(before, memory.GivenBack);
        // What several leave behind is much, and it is counted once.
        memory.Note(1_000);
        _time.Advance(_calm);
        await memory.RunOnceAsync(Cancelled);
        Assert.Equal(before + 1, memory.GivenBack);
        _time.Advance(_calm);
        await memory.RunOnceAsync(Cancelled);
        Assert.Equal(before + 1, memory.GivenBack);
    }

    [Fact]
    public async Task The_inventory_of_a_node_is_something_that_was_read()
    {
        await using var rig = await MasterRig.StartAsync(_time);
        var memory = rig.Get<SpareMemory>();
        await SettleAsync(memory);
        var before = memory.GivenBack;
        var node = new SpeakingNode(1) { ClusterId = "0123456789abcdef0123456789abcdef" };
        for (var version = 1; version <= 20_001; version++) node.Hold(SpeakingNode.Sealed($"film {version}.mp4", version, "0123456789abcdef0123456789abcdef"));
        for (var beat = 0; beat < 2; beat++) node.Hear(await rig.Get<BeatConversation>().AnswerAsync(node.Beat(), Cancelled));
        Assert.True(rig.Get<BeatConversation>().TakePage(node.Inventory()).Accepted);
        _time.Advance(_calm);
        await memory.RunOnceAsync(Cancelled);
        Assert.Equal(before + 1, memory.GivenBack);
    }

    private const int Piece = 2000;
    private const int Pieces = 40_000;

    /// <summary>Pieces of 2 kB, every other of which is dropped: 80 MB, of which half stays.</summary>
    private static List<byte[]> Scatter()
    {
        var all = Enumerable.Range(0, 2 * Pieces).Select(static _ => new byte[Piece]).ToList();
        // Old, so that it is not the next small collection that takes them.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        return [.. all.Where(static (_, at) => at % 2 == 0)];
    }

    /// <summary>What the start itself has noted is over.</summary>
    private async Task SettleAsync(SpareMemory memory)
    {
        _time.Advance(_calm);
        await memory.RunOnceAsync(Cancelled);
    }
}
