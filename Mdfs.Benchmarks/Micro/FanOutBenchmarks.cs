using BenchmarkDotNet.Attributes;
using Mdfs.Master.Transfer;

namespace Mdfs.Benchmarks.Micro;

/// <summary>64 MiB of an upload through the buffer that all targets share, to targets that take everything at once.</summary>
[MemoryDiagnoser]
public class FanOutBenchmarks
{
    private const int Bytes = 64 << 20;

    [Params(1, 2, 3)]
    public int Targets { get; set; }

    [Benchmark]
    public async Task ToNullReplicas()
    {
        using var buffer = new BroadcastBuffer(64 * 1024, 4);
        var readers = Enumerable.Range(0, Targets).Select(_ => TakeAsync(buffer.Join())).ToList();
        for (var left = Bytes; left > 0;)
        {
            var memory = await buffer.GetMemoryAsync(CancellationToken.None);
            var count = Math.Min(memory.Length, left);
            buffer.Advance(count);
            left -= count;
        }

        buffer.End();
        await Task.WhenAll(readers);
    }

    private static async Task TakeAsync(BroadcastBuffer.Reader reader)
    {
        while (true)
        {
            if (!reader.TryRead(out var bytes)) await reader.WaitAsync(CancellationToken.None);
            else if (bytes.IsEmpty) break;
            else reader.Advance(bytes.Length);
        }

        reader.Leave();
    }
}
