using Mdfs.Protocol.Checksums;
using Mdfs.Tests.Support;
using Mdfs.Worker;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Options;

namespace Mdfs.Tests.Unit;

/// <summary>What arrives in pieces of any size stands in the file as it came, whether it goes past the system's cache or through it.</summary>
public sealed class WorkerPartFileTests : IDisposable
{
    private const int Mib = 1 << 20;
    private static readonly byte[] _movie = new MovieBytes(11, 7 * Mib + 12_345).ToArray();
    private readonly TempDirectory _place = new();

    private readonly DirectBuffers _past = Buffers(true);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Path => _place["part"];

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData(true, 1000)]
    [InlineData(true, 64 * 1024)]
    [InlineData(true, 300_007)]
    [InlineData(true, 3 * Mib)]
    [InlineData(false, 300_007)]
    public async Task Pieces_of_any_size_become_the_file(bool direct, int step)
    {
        await using (var part = PartFile.Create(Path, Buffers(direct)))
        {
            for (var at = 0; at < _movie.Length; at += step) await part.AppendAsync(_movie.AsMemory(at, Math.Min(step, _movie.Length - at)), Cancelled);
            Assert.Equal(Checksum.Of(_movie), await part.CompleteAsync());
        }

        await AssertWholeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_put_into_its_room_becomes_the_file_however_often_it_is_flushed(bool direct)
    {
        await using (var part = PartFile.Create(Path, Buffers(direct)))
        {
            var random = new Random(3);
            for (var at = 0; at < _movie.Length;)
            {
                var room = part.Room();
                Assert.False(room.IsEmpty);
                var count = Math.Min(random.Next(1, room.Length + 1), _movie.Length - at);
                _movie.AsSpan(at, count).CopyTo(room.Span);
                await part.AdvanceAsync(count, Cancelled);
                at += count;
                if (random.Next(12) != 0) continue;
                await part.FlushAsync();
                Assert.Equal(at, new FileInfo(Path).Length);
                Assert.Equal(Checksum.Of(_movie.AsSpan(0, at)), part.Checksum);
            }

            await part.CompleteAsync();
        }

        await AssertWholeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_goes_on_in_another_life_at_any_byte(bool direct)
    {
        var at = 0;
        foreach (var end in (int[])[5, Mib, Mib + 70_000, (4 * Mib) - 1, 4 * Mib, _movie.Length])
        {
            await using var part = at == 0 ? PartFile.Create(Path, Buffers(direct)) : await PartFile.ReopenAsync(Path, at, Checksum.Of(_movie.AsSpan(0, at)), null, Buffers(direct), Cancelled);
            Assert.NotNull(part);
            await part.AppendAsync(_movie.AsMemory(at, end - at), Cancelled);
            await part.FlushAsync();
            at = end;
            if (end == _movie.Length) await part.CompleteAsync();
        }

        await AssertWholeAsync();
    }

    [Fact]
    public async Task A_pull_that_was_broken_off_goes_on_behind_all_whole_blocks_that_came()
    {
        const int Came = (2 * Mib) + 200_000;
        await using (var part = PartFile.Create(Path, _past))
        {
            await part.AppendAsync(_movie.AsMemory(0, Came), Cancelled);
            await part.CheckpointAsync();
        }

        var reread = new List<long>();
        await using (var part = await PartFile.ResumeAsync(Path, _past, Cancelled, reread.Add))
        {
            // Whoever waits for it hears that it goes on.
            Assert.Equal(Enumerable.Range(1, Came / BlockFormat.BlockSize).Select(static block => (long)block * BlockFormat.BlockSize), reread);
            Assert.Equal(Came / BlockFormat.BlockSize * BlockFormat.BlockSize, part.Length);
            await part.AppendAsync(_movie.AsMemory((int)part.Length), Cancelled);
            Assert.Equal(Checksum.Of(_movie), await part.CompleteAsync());
        }

        await AssertWholeAsync();
    }

    [Fact]
    public async Task A_resumption_that_is_broken_off_costs_nothing_of_what_had_come()
    {
        const int Came = (2 * Mib) + 200_000;
        await using (var part = PartFile.Create(Path, _past))
        {
            await part.AppendAsync(_movie.AsMemory(0, Came), Cancelled);
            await part.CheckpointAsync();
        }

        using (var stopped = new CancellationTokenSource())
        {
            await stopped.CancelAsync();
            for (var i = 0; i < 2; i++) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PartFile.ResumeAsync(Path, _past, stopped.Token));
        }

        // Nor does one that came to nothing else.
        for (var i = 0; i < 2; i++)
        {
            await using var part = await PartFile.ResumeAsync(Path, _past, Cancelled);
            Assert.Equal(Came / BlockFormat.BlockSize * BlockFormat.BlockSize, part.Length);
        }

        Assert.Equal([Path, Path + Sidecars.Blocks], Directory.EnumerateFiles(_place.Path).Order());
    }

    [Fact]
    public async Task Files_are_joined_behind_what_has_gathered()
    {
        var second = _place["second"];
        await File.WriteAllBytesAsync(second, _movie[100_000..(3 * Mib)], Cancelled);
        await using (var part = PartFile.Create(Path, _past))
        {
            await part.AppendAsync(_movie.AsMemory(0, 100_000), Cancelled);
            using (var from = File.OpenHandle(second)) await part.AppendAsync(from, (3 * Mib) - 100_000, Cancelled);
            await part.AppendAsync(_movie.AsMemory(3 * Mib), Cancelled);
            Assert.Equal(Checksum.Of(_movie), await part.CompleteAsync());
        }

        await AssertWholeAsync();
    }

    [Fact]
    public async Task More_at_a_time_than_there_is_aligned_memory_for_go_through_the_cache()
    {
        var parts = Enumerable.Range(0, 40).Select(number => PartFile.Create(_place[$"{number}"], _past)).ToArray();
        const int Step = 100_000, Length = (2 * Mib) + 5000;
        for (var at = 0; at < Length; at += Step)
        {
            foreach (var part in parts) await part.AppendAsync(_movie.AsMemory(at, Math.Min(Step, Length - at)), Cancelled);
        }

        foreach (var part in parts)
        {
            Assert.Equal(Checksum.Of(_movie.AsSpan(0, Length)), await part.CompleteAsync());
            await part.DisposeAsync();
        }

        for (var number = 0; number < parts.Length; number++)
        {
            var stored = await File.ReadAllBytesAsync(_place[$"{number}"], Cancelled);
            Assert.True(_movie.AsSpan(0, Length).SequenceEqual(stored));
        }

        // All of it was given back.
        var rented = Enumerable.Range(0, 24).Select(_ => _past.TryRent()).ToArray();
        Assert.DoesNotContain(null, rented);
        Assert.Null(_past.TryRent());
        foreach (var buffer in rented) buffer!.Dispose();
    }

    [Fact]
    public async Task Whole_pieces_leave_nothing_in_the_systems_cache()
    {
        using (var probe = File.OpenHandle(_place["probe"], FileMode.Create, FileAccess.ReadWrite))
        {
            using var again = DirectFile.TryReopen(probe, write: true);
            Assert.SkipWhen(again is null || !OperatingSystem.IsLinux(), "This system or file system has no way past its cache.");
        }

        Assert.SkipUnless(await InMemoryAsync(direct: false) == 7, "This file system does not tell what is in memory.");
        Assert.Equal(0, await InMemoryAsync(direct: true));
    }

    private async Task<int> InMemoryAsync(bool direct)
    {
        await using var part = PartFile.Create(Path, Buffers(direct));
        await part.AppendAsync(_movie, Cancelled);
        await part.CompleteAsync();
        return SystemCache.Holds(Path, Enumerable.Range(0, 7).Select(static at => at * (long)Mib)).Count(static held => held);
    }

    private async Task AssertWholeAsync()
    {
        var stored = await File.ReadAllBytesAsync(Path, Cancelled);
        Assert.True(_movie.AsSpan().SequenceEqual(stored), "The file holds other bytes.");
        using var blocks = new BlockSidecarReader(Path + Sidecars.Blocks);
        for (var at = 0; at < _movie.Length; at += BlockFormat.PartSize)
        {
            Assert.True(blocks.TryGet(at, out var checksum));
            Assert.Equal(Checksum.Of(_movie.AsSpan(at, Math.Min(BlockFormat.PartSize, _movie.Length - at))).Value, checksum);
        }
    }

    private static DirectBuffers Buffers(bool direct) => new(Options.Create(new WorkerOptions { DirectIo = direct }));
}
