using CsCheck;
using Mdfs.Master.Transfer;
using Xunit;

namespace Mdfs.Tests.Unit;

public sealed class TransferBroadcastBufferTests
{
    private readonly CancellationToken _test = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_reader_sees_every_byte_whatever_the_pieces()
    {
        await Gen.Select(Gen.Byte.Array[0, 5000], Gen.Int[1, 700].Array[1, 20], Gen.Int[1, 64], Gen.Int[1, 4]).SampleAsync(
            async (bytes, pieces, block, readers) =>
            {
                using var buffer = new BroadcastBuffer(block, 3);
                var seen = Enumerable.Range(0, readers).Select(_ => buffer.Join()).ToArray().Select(reader => Task.Run(() => ReadAllAsync(reader))).ToArray();
                var at = 0;
                for (var turn = 0; at < bytes.Length; turn++)
                {
                    var memory = await buffer.GetMemoryAsync(_test);
                    var count = Math.Min(Math.Min(memory.Length, pieces[turn % pieces.Length]), bytes.Length - at);
                    bytes.AsSpan(at, count).CopyTo(memory.Span);
                    buffer.Advance(count);
                    at += count;
                }
                buffer.End();
                return (await Task.WhenAll(seen)).All(one => one.AsSpan().SequenceEqual(bytes));
            },
            iter: 200);
    }

    [Fact]
    public async Task The_slowest_reader_holds_the_writer_back_until_it_leaves()
    {
        using var buffer = new BroadcastBuffer(4, 2);
        var quick = buffer.Join();
        var slow = buffer.Join();
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(4, (await buffer.GetMemoryAsync(_test)).Length);
            buffer.Advance(4);
        }
        quick.Advance(4);
        quick.Advance(4);

        var room = buffer.GetMemoryAsync(_test);
        Assert.False(room.IsCompleted);
        slow.Leave();
        Assert.Equal(4, (await room).Length);
    }

    [Fact]
    public async Task A_writer_without_readers_is_told_so()
    {
        using var buffer = new BroadcastBuffer(4, 2);
        var only = buffer.Join();
        Assert.False((await buffer.GetMemoryAsync(_test)).IsEmpty);
        only.Leave();
        only.Leave();

        Assert.True((await buffer.GetMemoryAsync(_test)).IsEmpty);
    }

    [Fact]
    public async Task Bytes_that_piled_up_in_a_block_come_in_one_piece()
    {
        using var buffer = new BroadcastBuffer(64, 2);
        var reader = buffer.Join();
        for (var i = 0; i < 10; i++)
        {
            (await buffer.GetMemoryAsync(_test)).Span[0] = (byte)i;
            buffer.Advance(1);
        }

        Assert.True(reader.TryRead(out var bytes));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], bytes.ToArray());
        reader.Advance(10);
        Assert.False(reader.TryRead(out _));
        buffer.End();
        Assert.True(reader.TryRead(out bytes));
        Assert.True(bytes.IsEmpty);
    }

    private async Task<byte[]> ReadAllAsync(BroadcastBuffer.Reader reader)
    {
        using var kept = new MemoryStream();
        while (true)
        {
            if (!reader.TryRead(out var bytes))
            {
                await reader.WaitAsync(_test);
                continue;
            }
            if (bytes.IsEmpty) return kept.ToArray();
            kept.Write(bytes.Span);
            reader.Advance(bytes.Length);
        }
    }
}
