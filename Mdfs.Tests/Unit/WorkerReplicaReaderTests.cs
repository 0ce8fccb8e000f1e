using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Tests.Unit;

/// <summary>A replica that is read for a copy on another node: the same bytes and the same faults, and nothing of it stays in the system's cache.</summary>
public sealed class WorkerReplicaReaderTests : IDisposable
{
    private const int Block = BlockFormat.BlockSize;
    private static readonly byte[] _movie = new MovieBytes(12, (40 * Block) + 777).ToArray();
    private readonly TempDirectory _place = new();
    private readonly DirectBuffers _buffers = new(Options.Create(new WorkerOptions()));

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void It_reads_what_is_there_from_the_beginning_and_from_anywhere(int step)
    {
        using var reader = Open();
        foreach (var first in (int[])[0, 17, 39, 2])
        {
            for (var at = first * Block; at < _movie.Length; at += step * Block)
            {
                var into = new byte[Math.Min(step * Block, _movie.Length - at)];
                Assert.Equal(new BlockRead(into.Length, BlockFault.None), reader.Read(at / Block, into));
                Assert.True(_movie.AsSpan(at, into.Length).SequenceEqual(into));
            }
        }
    }

    [Fact]
    public void What_was_read_ahead_needs_no_waiting_for()
    {
        using var reader = Open();
        var into = new byte[8 * Block];
        Assert.False(reader.TryReadFrom(0, into, reader.Grain, out _));
        Assert.Equal(into.Length, reader.Read(0, into).Good);
        using (var file = File.OpenHandle(_place["replica"], FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        using (var direct = DirectFile.TryReopen(file, write: false)) Assert.SkipWhen(direct is null, "This system or file system has no way past its cache.");
        Assert.True(reader.TryReadFrom(8 * Block, into, reader.Grain, out var read));
        Assert.Equal(new BlockRead(into.Length, BlockFault.None), read);
        Assert.True(_movie.AsSpan(8 * Block, into.Length).SequenceEqual(into));
        Assert.False(reader.TryReadFrom(16 * Block, into, reader.Grain, out _));
    }

    [Fact]
    public void A_bad_block_is_found_and_the_good_ones_before_it_count()
    {
        Write(_movie);
        BitRot.Flip(_place["replica"], 5 * Block);
        using var reader = Reader();
        Assert.Equal(new BlockRead(5 * Block, BlockFault.Bytes), reader.Read(0, new byte[8 * Block]));
        Assert.False(reader.IsSound);
    }

    [Theory]
    [InlineData(20 * Block)]
    [InlineData((20 * Block) + 5)]
    public void A_file_that_ends_early_lacks_what_is_behind_its_end(int length)
    {
        Write(_movie);
        using (var file = File.OpenHandle(_place["replica"], FileMode.Open, FileAccess.Write)) RandomAccess.SetLength(file, length);
        using var reader = Reader();
        Assert.Equal(new BlockRead(4 * Block, BlockFault.Bytes), reader.Read(16, new byte[8 * Block]));
    }

    [Fact]
    public async Task Nothing_of_it_stays_in_the_systems_cache()
    {
        await using (var part = PartFile.Create(_place["replica"], _buffers))
        {
            await part.AppendAsync(_movie.AsMemory(0, 32 * Block), TestContext.Current.CancellationToken);
            await part.CompleteAsync();
        }

        using var file = File.OpenHandle(_place["replica"], FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using (var direct = DirectFile.TryReopen(file, write: false)) Assert.SkipWhen(direct is null, "This system or file system has no way past its cache.");
        using var reader = ReplicaReader.Open(_place["replica"], Held(_movie[..(32 * Block)]))!;
        reader.ReadOnce(_buffers);
        for (var at = 0; at < 32; at += 8) Assert.Equal(8 * Block, reader.Read(at, new byte[8 * Block]).Good);
        Assert.DoesNotContain(true, SystemCache.Holds(_place["replica"], Enumerable.Range(0, 32).Select(static at => at * (long)Block)));
    }

    private ReplicaReader Open()
    {
        Write(_movie);
        return Reader();
    }

    private ReplicaReader Reader()
    {
        var reader = ReplicaReader.Open(_place["replica"], Held(_movie))!;
        reader.ReadOnce(_buffers);
        return reader;
    }

    private void Write(byte[] bytes) => StoredReplica.Write(_place["replica"], bytes, Held(bytes));

    private static HeldReplica Held(byte[] bytes) => StoredReplica.Of(bytes, new MovieVersion(7));
}
