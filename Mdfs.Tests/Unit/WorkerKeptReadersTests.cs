using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

public sealed class WorkerKeptReadersTests : IDisposable
{
    private static readonly MovieVersion _version = new(7);
    private readonly TempDirectory _place = new();
    private readonly FakeTimeProvider _time = new();
    private readonly Inventory _inventory = new();
    private readonly DataDirectory _directory;
    private readonly KeptReaders _readers;
    private readonly byte[] _bytes = [.. Enumerable.Range(0, 3 * BlockFormat.BlockSize).Select(static at => (byte)(at % 251))];

    public WorkerKeptReadersTests()
    {
        _directory = DataDirectory.Open(_place.Path);
        _readers = new KeptReaders(_directory, _inventory, new DirectBuffers(Options.Create(new WorkerOptions())), _time);
        Write();
        _inventory.Put(Report());
    }

    [Fact]
    public void The_next_window_of_a_replica_is_read_by_the_files_that_are_open()
    {
        var first = Read();
        Assert.Same(first, Read());
        Assert.False(first.Bytes.IsClosed);
    }

    [Fact]
    public void Two_at_the_same_time_have_one_each()
    {
        using var one = _readers.Open(_version);
        using var other = _readers.Open(_version);
        Assert.NotNull(one);
        Assert.NotNull(other);
        Assert.NotSame(one, other);
    }

    [Fact]
    public void However_busy_it_is_it_is_opened_anew_after_two_seconds()
    {
        var first = Read();
        for (var i = 0; i < 3; i++)
        {
            Assert.Same(first, Read());
            _time.Advance(TimeSpan.FromMilliseconds(600));
        }

        Assert.Same(first, Read());
        _time.Advance(TimeSpan.FromMilliseconds(600));
        Assert.NotSame(first, Read());
    }

    [Fact]
    public void What_nobody_asks_for_is_closed_by_itself()
    {
        var reader = Read();
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(reader.Bytes.IsClosed);
    }

    [Fact]
    public void A_replica_that_was_replaced_is_read_from_its_new_files()
    {
        var before = Read();
        _inventory.Put(Report());
        Assert.NotSame(before, Read());
    }

    [Fact]
    public void A_replica_that_went_is_not_read_by_what_is_still_open()
    {
        Read();
        _inventory.Remove(_version);
        Assert.Null(_readers.Open(_version));
    }

    [Fact]
    public void A_reader_that_has_met_a_bad_block_is_closed()
    {
        using (var file = File.OpenHandle(_directory.ReplicaPath(_version), FileMode.Open, FileAccess.Write)) RandomAccess.Write(file, [0xff], 10);
        ReplicaReader reader;
        using (reader = _readers.Open(_version)!) Assert.Equal(BlockFault.Bytes, reader.Read(0, new byte[BlockFormat.BlockSize]).Fault);
        Assert.True(reader.Bytes.IsClosed);
    }

    [Fact]
    public void Not_more_than_sixty_four_are_kept()
    {
        var all = Enumerable.Range(0, 70).Select(_ => _readers.Open(_version)!).ToList();
        foreach (var reader in all) reader.Dispose();
        Assert.Equal(6, all.Count(reader => reader.Bytes.IsClosed));
    }

    [Fact]
    public void A_worker_that_stops_closes_all()
    {
        var kept = Read();
        using var later = _readers.Open(_version)!;
        Assert.Same(kept, later);
        var other = Read();
        _readers.Dispose();
        later.Dispose();
        Assert.True(other.Bytes.IsClosed);
        Assert.True(later.Bytes.IsClosed);
    }

    public void Dispose()
    {
        _readers.Dispose();
        _directory.Dispose();
        _place.Dispose();
    }

    private ReplicaReader Read()
    {
        using var reader = _readers.Open(_version)!;
        var block = new byte[BlockFormat.BlockSize];
        Assert.Equal(new BlockRead(block.Length, BlockFault.None), reader.Read(1, block));
        Assert.Equal(_bytes[block.Length..(2 * block.Length)], block);
        return reader;
    }

    private void Write() => StoredReplica.Write(_directory.ReplicaPath(_version), _bytes, StoredReplica.Of(_bytes, _version));

    private ReplicaReport Report() => StoredReplica.Of(_bytes, _version).Report;
}
