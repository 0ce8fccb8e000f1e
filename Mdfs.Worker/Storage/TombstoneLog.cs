using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Worker.Storage;

/// <summary>
/// The tombstones on disk: one line each, appended and fsynced before anything is removed by them (design, section 7). A line is the CRC-32 of
/// what follows, a blank, <c>+</c> or <c>-</c> (told, forgotten) and the tombstone as JSON. A torn last line was never acknowledged and is cut off.
/// </summary>
internal sealed class TombstoneLog : IDisposable
{
    // Rewritten when more than half of a file that is worth it says what no longer matters.
    private const int WorthCompacting = 1000;

    private readonly Lock _writing = new();
    private readonly string _path;
    private readonly Dictionary<FileName, Tombstone> _live = [];

    // Null: to be opened by its name, whichever file has it.
    private SafeFileHandle? _file;
    private long _length;
    private int _lines;

    private TombstoneLog(string path)
    {
        _path = path;
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        Durable.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Lines in the middle of the file that could not be read: each may be a deletion that is no longer known here.</summary>
    public int Unreadable { get; private set; }

    public static TombstoneLog Open(string path)
    {
        var log = new TombstoneLog(path);
        try
        {
            log.Load();
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>One tombstone per name: the one with the highest bound.</summary>
    public IReadOnlyList<Tombstone> Live()
    {
        lock (_writing) return [.. _live.Values];
    }

    /// <summary>Returns when all are on disk. What is already known costs nothing.</summary>
    /// <exception cref="IOException">They are not on disk, and nothing may be removed by them.</exception>
    public void Add(IEnumerable<Tombstone> tombstones) => Append('+', tombstones, IsNews);

    /// <summary>Only at the master's word. One with a higher bound than told stays.</summary>
    public void Forget(IEnumerable<Tombstone> tombstones) => Append('-', tombstones, IsKnown);

    public void Dispose() => _file?.Dispose();

    private bool IsNews(Tombstone told) => !_live.TryGetValue(told.Name, out var known) || known.Bound < told.Bound;

    private bool IsKnown(Tombstone told) => _live.TryGetValue(told.Name, out var known) && known.Bound <= told.Bound;

    private void Append(char sign, IEnumerable<Tombstone> tombstones, Func<Tombstone, bool> matters)
    {
        lock (_writing)
        {
            var told = tombstones.Where(matters).ToList();
            if (told.Count == 0) return;
            var text = new MemoryStream();
            foreach (var tombstone in told) text.Write(Line(sign, tombstone));
            var file = Opened();
            // After a failed append the length still points behind the last good line, so a torn one is overwritten.
            RandomAccess.Write(file, text.GetBuffer().AsSpan(0, (int)text.Length), _length);
            Durable.Flush(file);
            _length += text.Length;
            _lines += told.Count;
            foreach (var tombstone in told) Apply(sign, tombstone);
            if (_lines > WorthCompacting && _lines > 2 * _live.Count) Compact();
        }
    }

    private void Apply(char sign, Tombstone tombstone)
    {
        if (sign == '+' && IsNews(tombstone)) _live[tombstone.Name] = tombstone;
        if (sign == '-' && IsKnown(tombstone)) _live.Remove(tombstone.Name);
    }

    private void Load()
    {
        var content = File.ReadAllBytes(_path).AsSpan();
        var rest = content;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)'\n');
            if (end < 0) break;
            if (TryRead(rest[..end], out var sign, out var tombstone)) Apply(sign, tombstone!);
            else Unreadable++;
            _lines++;
            rest = rest[(end + 1)..];
        }

        _length = content.Length - rest.Length;
        RandomAccess.SetLength(Opened(), _length);
        // A file with a bad line is kept as it is, for whoever has to find out what stood there.
        if (Unreadable == 0 && _lines > WorthCompacting && _lines > 2 * _live.Count) Compact();
    }

    private void Compact()
    {
        var text = new MemoryStream();
        foreach (var tombstone in _live.Values) text.Write(Line('+', tombstone));
        // Behind the rename this file has no name any more, and what is appended to it is lost with the next start, also where the writing failed after it.
        _file?.Dispose();
        _file = null;
        Durable.WriteFile(_path, text.GetBuffer().AsSpan(0, (int)text.Length));
        _file = Open();
    }

    private SafeFileHandle Opened()
    {
        if (_file is not null) return _file;
        // Its name may be the one of a rewriting that failed before the directory was synced; what is appended to a name that a power cut takes back was written in vain.
        Durable.SyncDirectory(Path.GetDirectoryName(_path)!);
        return _file = Open();
    }

    private SafeFileHandle Open()
    {
        var file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        // Shorter than the lines that were written: it is the one that says only what matters.
        if (RandomAccess.GetLength(file) is var length && length < _length) (_length, _lines) = (length, _live.Count);
        return file;
    }

    private static byte[] Line(char sign, Tombstone tombstone)
    {
        var text = $"{sign}{JsonSerializer.Serialize(tombstone, StorageJson.Default.Tombstone)}";
        return Encoding.UTF8.GetBytes($"{Checksum.Of(Encoding.UTF8.GetBytes(text))} {text}\n");
    }

    private static bool TryRead(ReadOnlySpan<byte> line, out char sign, out Tombstone? tombstone)
    {
        sign = default;
        tombstone = null;
        if (line.Length < 12 || !Checksum.TryParse(Encoding.ASCII.GetString(line[..8]), out var check) || Checksum.Of(line[9..]) != check) return false;
        sign = (char)line[9];
        try
        {
            tombstone = JsonSerializer.Deserialize(line[10..], StorageJson.Default.Tombstone);
        }
        catch (JsonException)
        {
            return false;
        }

        return tombstone is not null;
    }
}
