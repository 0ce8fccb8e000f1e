using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.Tests.Support;

/// <summary>
/// The bytes of a movie that nobody has to hold: each is a function of the seed and its position, so that any part can be made, and compared,
/// by itself. Random enough that no two parts are alike.
/// </summary>
public sealed record MovieBytes(ulong Seed, long Length)
{
    private readonly Lazy<string> _hash = new(() =>
    {
        using var stream = new GeneratedStream(Seed, 0, Length);
        return HashOf(stream);
    });

    /// <summary>XxHash128 of all of them, as hex.</summary>
    public string Hash => _hash.Value;

    public Stream Open() => new GeneratedStream(Seed, 0, Length);

    /// <summary>From <paramref name="from"/> on, at most <paramref name="length"/> of them.</summary>
    public Stream Open(long from, long length) => new GeneratedStream(Seed, from, Math.Min(length, Length - from));

    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        Fill(Seed, 0, bytes);
        return bytes;
    }

    /// <summary>XxHash128 of what is left in a stream, as hex.</summary>
    public static string HashOf(Stream stream)
    {
        var hash = new XxHash128();
        hash.Append(stream);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>The same of a whole file.</summary>
    public static string HashOfFile(string path)
    {
        using var file = File.OpenRead(path);
        return HashOf(file);
    }

    /// <summary>Writes them to a file, and the directories above it; returns its path.</summary>
    public string WriteTo(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = File.Create(path);
        using var bytes = Open();
        bytes.CopyTo(file);
        return path;
    }

    private static void Fill(ulong seed, long from, Span<byte> into)
    {
        Span<byte> word = stackalloc byte[8];
        var (index, skip) = (from >> 3, (int)(from & 7));
        if (skip != 0)
        {
            Write(seed, index++, word);
            var count = Math.Min(8 - skip, into.Length);
            word.Slice(skip, count).CopyTo(into);
            into = into[count..];
        }

        var whole = into.Length & ~7;
        Write(seed, index, into[..whole]);
        if (whole == into.Length) return;
        Write(seed, index + (whole >> 3), word);
        word[..(into.Length - whole)].CopyTo(into[whole..]);
    }

    // The finisher of SplitMix64 over a counter, a word at a time: much is made of it, and no word waits for the one before.
    private static void Write(ulong seed, long index, Span<byte> into)
    {
        var counter = (seed * 0xD1342543DE82EF95) + ((ulong)index * 0x9E3779B97F4A7C15);
        foreach (ref var word in MemoryMarshal.Cast<byte, ulong>(into))
        {
            var z = counter;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            z ^= z >> 31;
            word = BitConverter.IsLittleEndian ? z : BinaryPrimitives.ReverseEndianness(z);
            counter += 0x9E3779B97F4A7C15;
        }
    }

    private sealed class GeneratedStream(ulong seed, long from, long length) : ReadOnlyStream
    {
        private long _position;

        public override long Length => length;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, length - _position);
            Fill(seed, from + _position, buffer[..count]);
            _position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer, offset, count));
    }
}
