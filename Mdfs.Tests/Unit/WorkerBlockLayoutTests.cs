using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.Tests.Support;
using Mdfs.Worker;
using Mdfs.Worker.Files;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>Checksums of parts of blocks, and of whole ones as they were written before: the same bytes, the same faults, and no more is read than has to be.</summary>
public sealed class WorkerBlockLayoutTests : IDisposable
{
    private const int Block = BlockFormat.BlockSize;
    private const int Part = BlockFormat.PartSize;

    // Over the end of a page of checksums, of either layout, and over that of a block.
    private static readonly byte[] _movie = new MovieBytes(13, (1030 * Block) + 777).ToArray();
    private static readonly HeldReplica _held = StoredReplica.Of(_movie, new MovieVersion(7));
    private static readonly ReplicaDescription _replica = _held.Report.Replica;

    private readonly TempDirectory _place = new();
    private readonly DirectBuffers _buffers = new(Options.Create(new WorkerOptions()));

    private string Path => _place["replica"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _place.Dispose();

    public static TheoryData<bool, bool> Layouts => new(from old in (bool[])[false, true] from fresh in (bool[])[false, true] select (old, fresh));

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Windows_of_any_kind_are_what_the_movie_is(bool old, bool fresh)
    {
        Write(old);
        using var reader = Open();
        foreach (var (from, length) in (ReadOnlySpan<(int, int)>)[(0, _movie.Length), (5, Part), (70_000, 65_536), ((255 * Block) - 9, 20), ((255 * Block) - Block - 1, 3 * Block), ((1023 * Block) - 70_000, 200_000), (_movie.Length - 778, 778), (_movie.Length - 1, 1)])
        {
            foreach (var waits in (bool[])[false, true])
            {
                var window = Window(reader, fresh, from, length);
                var came = new MemoryStream();
                var into = new byte[PieceSize.Largest];
                while (window.Left > 0)
                {
                    WindowPiece piece;
                    if (waits) piece = window.Read(into);
                    else Assert.True(window.TryRead(into, out piece));
                    Assert.True(piece.Count > 0 && piece.Fault == BlockFault.None);
                    came.Write(into, piece.Skip, piece.Count);
                }

                Assert.True(_movie.AsSpan(from, length).SequenceEqual(came.GetBuffer().AsSpan(0, (int)came.Length)));
            }
        }
    }

    [Fact]
    public void A_range_within_blocks_has_only_the_parts_read_that_it_touches()
    {
        Write(old: false);
        using var reader = Open();
        Assert.Equal(5 * Part, Window(reader, fresh: false, 70_000, 65_536).Whole(PieceSize.Largest));
        Assert.Equal(Part, Window(reader, fresh: false, 100_000, 1).Whole(PieceSize.Largest));
        Assert.Equal(777, Window(reader, fresh: false, _movie.Length - 1, 1).Whole(PieceSize.Largest));
        // What is noted as good is noted of whole blocks.
        Assert.Equal(2 * Block, Window(reader, fresh: true, 70_000, 65_536).Whole(PieceSize.Largest));
        Write(old: true);
        using var before = Open();
        Assert.Equal(2 * Block, Window(before, fresh: false, 70_000, 65_536).Whole(PieceSize.Largest));
    }

    [Theory]
    [InlineData(false, (5 * Block) + (2 * Part))]
    [InlineData(true, 5 * Block)]
    public void A_bad_byte_is_never_sent_and_what_is_good_before_it_is(bool old, int good)
    {
        const int bad = (5 * Block) + (2 * Part) + 100;
        Write(old);
        BitRot.Flip(Path, bad);
        using var reader = Open();
        var into = new byte[PieceSize.Largest];
        Assert.Equal(new WindowPiece(0, good, BlockFault.Bytes), Window(reader, fresh: false, 0, 8 * Block).Read(into));
        Assert.Equal(BlockFault.Bytes, Window(reader, fresh: false, bad, 1).Read(into).Fault);
        Assert.True(Window(reader, fresh: false, bad - 1, 1).TryRead(into, out var piece));
        Assert.Equal(new WindowPiece(0, 0, BlockFault.Bytes), piece with { Skip = 0 });
        // A block is good as a whole or not at all, wherever blocks are what counts.
        Assert.Equal(new BlockRead(5 * Block, BlockFault.Bytes), reader.Read(0, new byte[8 * Block]));
        Assert.False(reader.IsSound);
        // The parts in front of a bad one are not the bad one; of a block that has one checksum nothing is known but that.
        var front = Window(reader, fresh: false, 5 * Block, Part).Read(into);
        Assert.Equal(old ? new WindowPiece(0, 0, BlockFault.Bytes) : new WindowPiece(0, Part, BlockFault.None), front);
    }

    [Fact]
    public void A_block_with_a_bad_part_is_not_noted_as_good()
    {
        Write(old: false);
        BitRot.Flip(Path, (5 * Block) + Part);
        using var reader = Open();
        var fresh = Fresh();
        var window = new ReplicaWindow(reader, fresh.Of(reader.Held), 0, 8 * Block);
        Assert.Equal(new WindowPiece(0, 5 * Block, BlockFault.Bytes), window.Read(new byte[PieceSize.Largest]));
        var noted = fresh.Of(reader.Held)!.Value;
        Assert.Equal((5, 0), (noted.Run(0, 100), noted.Run(5, 100)));
        // It was read, also where nothing of the bad part is wanted: then it is told.
        Assert.Equal(new WindowPiece(0, 0, BlockFault.Bytes), new ReplicaWindow(reader, fresh.Of(reader.Held), 5 * Block, 10).Read(new byte[PieceSize.Largest]));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Small_pieces_and_bytes_that_are_taken_back_make_the_same_movie(bool old, bool fresh)
    {
        Write(old);
        using var reader = Open();
        const int from = (253 * Block) + 17;
        const int length = 5 * Block;
        var window = Window(reader, fresh, from, length);
        var came = new MemoryStream();
        var into = new byte[PieceSize.Small];
        for (var turn = 0; window.Left > 0; turn++)
        {
            Assert.True(window.TryRead(into, out var piece));
            Assert.True(piece.Count > 0 && piece.Fault == BlockFault.None);
            var taken = turn % 3 == 1 ? piece.Count / 3 : piece.Count;
            came.Write(into, piece.Skip, taken);
            if (taken < piece.Count) window.TakeBack(piece.Count - taken);
            if (turn == 3) window.Distrust();
        }

        Assert.True(_movie.AsSpan(from, length).SequenceEqual(came.GetBuffer().AsSpan(0, (int)came.Length)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_rotten_header_does_not_hide_the_checksums_behind_it(bool old)
    {
        Write(old);
        for (var at = 0; at < 8; at++) BitRot.Flip(Path + Sidecars.Blocks, at);
        Assert.Null(BlockFormat.ReadHeader(Path + Sidecars.Blocks));
        using (var reader = Open()) Assert.Equal(new BlockRead(8 * Block, BlockFault.None), reader.Read(3, new byte[8 * Block]));
        using (var file = File.OpenHandle(Path + Sidecars.Blocks, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.Write(file, BlockFormat.WriteHeader(new BlockHeader(_replica.Size, _replica.Checksum, _replica), BlockLayout.Of(file)), 0);
        Assert.Equal(_replica, BlockFormat.ReadHeader(Path + Sidecars.Blocks)!.Description);
        using (var reader = Open()) Assert.Equal(new BlockRead(8 * Block, BlockFault.None), reader.Read(3, new byte[8 * Block]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_rotten_page_vouches_for_nothing_and_the_next_one_does(bool old)
    {
        Write(old);
        BitRot.Flip(Path + Sidecars.Blocks, BlockFormat.PageSize + 8);
        using var reader = Open();
        Assert.Equal(new BlockRead(0, BlockFault.Sidecar), reader.Read(3, new byte[Block]));
        Assert.Equal(new BlockRead(Block, BlockFault.None), reader.Read(1025, new byte[Block]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pull_goes_on_with_what_either_layout_has_noted(bool old)
    {
        Write(old);
        BitRot.Flip(Path, (700 * Block) + 5);
        await using var part = await PartFile.ResumeAsync(Path, _buffers, Cancelled);
        Assert.Equal(700 * Block, part.Length);
        await AssertEndsWholeAsync(part);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upload_goes_on_where_it_stood_whatever_layout_its_notes_have(bool old)
    {
        Write(old);
        const int at = (600 * Block) + 12_345;
        await using var part = (await PartFile.ReopenAsync(Path, at, Checksum.Of(_movie.AsSpan(0, at)), null, _buffers, Cancelled))!;
        await AssertEndsWholeAsync(part);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(300)]
    public async Task Notes_without_a_header_are_known_by_their_pages(int blocks)
    {
        // As it lies there when a pull was broken off: no header yet, and fewer bytes than a page has room for.
        Write(old: true);
        using (var bytes = File.OpenHandle(Path, FileMode.Open, FileAccess.Write)) RandomAccess.SetLength(bytes, blocks * Block);
        using (var notes = File.OpenHandle(Path + Sidecars.Blocks, FileMode.Open, FileAccess.Write)) RandomAccess.Write(notes, new byte[BlockFormat.PageSize], 0);
        await using var part = await PartFile.ResumeAsync(Path, _buffers, Cancelled);
        Assert.Equal(blocks * Block, part.Length);
        Assert.Equal(Checksum.Of(_movie.AsSpan(0, blocks * Block)), part.Checksum);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_hashed_anew_has_to_come_to_what_was_acknowledged(bool old)
    {
        Write(old);
        const int at = 600 * Block;
        var (expected, ofParts) = (Checksum.Of(_movie.AsSpan(0, at)), Checksum.Of(_movie.AsSpan(0, at)));
        await using (var part = await PartFile.ReopenAsync(Path, at, expected, ofParts, _buffers, Cancelled)) Assert.Equal(expected, part?.Checksum);
        Write(old);
        // Rot in the last bytes, and of the page that would tell nothing is left.
        BitRot.Flip(Path, at - 100);
        if (!old) BitRot.Flip(Path + Sidecars.Blocks, (3 * BlockFormat.PageSize) + 20);
        await using (var part = await PartFile.ReopenAsync(Path, at, expected, ofParts, _buffers, Cancelled)) Assert.Null(part);
    }

    private async Task AssertEndsWholeAsync(PartFile part)
    {
        var at = (int)part.Length;
        await part.AppendAsync(_movie.AsMemory(at), Cancelled);
        await part.CompleteAsync();
        Assert.Equal(_replica.Checksum, part.Checksum);
        using var reader = Open();
        Assert.Equal(Part, reader.Grain);
        // Before, at and behind the place where it went on.
        for (var block = (at / Block) - 1; block <= (at / Block) + 1; block++) Assert.Equal(new BlockRead(Block, BlockFault.None), reader.Read(block, new byte[Block]));
    }

    private static ReplicaWindow Window(ReplicaReader reader, bool fresh, long from, long length) => new(reader, fresh ? Fresh().Of(reader.Held) : null, from, length);

    private static FreshBlocks Fresh() => new(Options.Create(new WorkerOptions { VerifyFreshness = TimeSpan.FromHours(1) }), new FakeTimeProvider());

    private ReplicaReader Open() => ReplicaReader.Open(Path, _held)!;

    private void Write(bool old)
    {
        StoredReplica.Write(Path, _movie, _held);
        if (old) File.WriteAllBytes(Path + Sidecars.Blocks, OfWholeBlocks());
    }

    // As it was written before parts had checksums, byte by byte.
    private static byte[] OfWholeBlocks()
    {
        const int pageSize = 4096;
        var checksums = _movie.Chunk(Block).Select(static block => Checksum.Of(block).Value).Chunk(1023).ToList();
        var file = new byte[(1 + checksums.Count) * pageSize];
        var description = JsonSerializer.SerializeToUtf8Bytes(_replica, StorageJson.Default.ReplicaDescription);
        Encoding.ASCII.GetBytes("MDFSBLK1", file);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(8), _replica.Size);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(16), _replica.Checksum.Value);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(20), description.Length);
        description.CopyTo(file, 24);
        for (var page = 1; page <= checksums.Count; page++)
        {
            for (var slot = 0; slot < checksums[page - 1].Length; slot++) BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan((page * pageSize) + (4 * slot)), checksums[page - 1][slot]);
        }

        for (var page = 0; page <= checksums.Count; page++)
        {
            var content = file.AsSpan(page * pageSize, pageSize);
            byte[] numbered = [.. BitConverter.GetBytes((long)page), .. content[..^4]];
            BinaryPrimitives.WriteUInt32LittleEndian(content[^4..], Checksum.Of(numbered).Value);
        }

        return file;
    }
}
