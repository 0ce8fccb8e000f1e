using System.IO.Hashing;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Http;

namespace Mdfs.Benchmarks.Micro;

/// <summary>What every request and every block costs: the decision by RFC 9110, and the CRC-32 of 64 KiB.</summary>
[MemoryDiagnoser]
public class ContentBenchmarks
{
    private readonly byte[] _block = RandomNumberGenerator.GetBytes(64 * 1024);
    private readonly ContentFacts _facts = new(1L << 32, "\"1777636800000000\"", DateTimeOffset.UnixEpoch.AddDays(20_000), DateTimeOffset.UnixEpoch.AddDays(20_001));
    private readonly ContentRequest _plain = new() { Method = "GET" };
    private readonly ContentRequest _seek = new() { Method = "GET", IfMatch = "\"1777636800000000\"", Range = "bytes=123456789-" };
    private readonly ContentRequest _several = new() { Method = "GET", IfRange = "Sat, 04 Oct 2024 00:00:00 GMT", Range = "bytes=0-99,1000-1999,-500" };

    [Benchmark]
    public ContentDecision Plain() => ContentRules.Decide(_plain, _facts);

    [Benchmark]
    public ContentDecision Seek() => ContentRules.Decide(_seek, _facts);

    [Benchmark]
    public ContentDecision SeveralRanges() => ContentRules.Decide(_several, _facts);

    [Benchmark]
    public uint ChecksumOfABlock() => Checksum.Of(_block).Value;

    [Benchmark]
    public uint ChecksumOfABlockByTheLibrary() => Crc32.HashToUInt32(_block);
}
