using System.Collections;
using Mdfs.Master.Catalog;

namespace Mdfs.Master.Files;

/// <summary>
/// Entries in one order, which never change: whoever turns pages reads them without a lock. They lie in many small arrays, so that the same entries with a few others share all arrays but those in which
/// something has changed: copying a million of them for one new movie cost 16 MB and 20 ms, more with every collection that followed.
/// </summary>
public sealed class OrderedEntries : IReadOnlyList<CatalogEntry>
{
    public static readonly OrderedEntries None = new([]);

    /// <summary>Entries of an array when it is new; it is divided when it has twice as many.</summary>
    private const int Usual = 512;

    private readonly CatalogEntry[][] _blocks;

    // Where each block begins, and at last where all end.
    private readonly int[] _starts;

    private OrderedEntries(CatalogEntry[][] blocks)
    {
        _blocks = blocks;
        _starts = new int[blocks.Length + 1];
        for (var at = 0; at < blocks.Length; at++) _starts[at + 1] = _starts[at] + blocks[at].Length;
    }

    public int Count => _starts[^1];

    public CatalogEntry this[int index]
    {
        get
        {
            var block = Array.BinarySearch(_starts, index);
            if (block < 0) block = ~block - 1;
            return _blocks[block][index - _starts[block]];
        }
    }

    public static OrderedEntries Of(CatalogEntry[] sorted) => sorted.Length == 0 ? None : new([.. sorted.Chunk(Usual)]);

    /// <param name="gone">Are left out where they stand here themselves, and not one that is equal.</param>
    /// <param name="come">Are added; ascending, and not here under the same key and name.</param>
    public OrderedEntries With(IEnumerable<CatalogEntry> gone, CatalogEntry[] come, Comparison<CatalogEntry> order)
    {
        if (Count == 0) return Of(come);
        var edits = new SortedDictionary<int, Edit>();
        foreach (var entry in gone)
        {
            var (block, at) = PlaceOf(entry, order);
            if (at < _blocks[block].Length && ReferenceEquals(_blocks[block][at], entry)) EditOf(block).Gone.Add(at);
        }

        foreach (var entry in come) EditOf(PlaceOf(entry, order).Block).Come.Add(entry);
        if (edits.Count == 0) return this;
        var blocks = new List<CatalogEntry[]>(_blocks.Length + edits.Count);
        for (var block = 0; block < _blocks.Length; block++)
        {
            if (edits.TryGetValue(block, out var edit)) Add(blocks, edit.Apply(_blocks[block], order));
            else Add(blocks, _blocks[block]);
        }

        return blocks.Count == 0 ? None : new OrderedEntries([.. blocks]);

        Edit EditOf(int block) => edits.TryGetValue(block, out var edit) ? edit : edits[block] = new Edit();
    }

    /// <summary>All of them, one after the other from either end: asking for each by its place would take several times as long.</summary>
    public Walker Walk(bool backwards) => new(_blocks, backwards);

    public CatalogEntry[] ToArray()
    {
        var all = new CatalogEntry[Count];
        for (var block = 0; block < _blocks.Length; block++) _blocks[block].CopyTo(all, _starts[block]);
        return all;
    }

    public IEnumerator<CatalogEntry> GetEnumerator() => _blocks.SelectMany(static block => block).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static void Add(List<CatalogEntry[]> blocks, CatalogEntry[] block)
    {
        // What deletions leave of neighbours is put together, or there would be as many arrays one day as there were movies.
        if (blocks.Count > 0 && blocks[^1].Length + block.Length <= Usual) blocks[^1] = [.. blocks[^1], .. block];
        else if (block.Length > 2 * Usual) blocks.AddRange(block.Chunk(Usual));
        else if (block.Length > 0) blocks.Add(block);
    }

    /// <summary>Where an entry stands, or would: before the first that does not come before it.</summary>
    private (int Block, int At) PlaceOf(CatalogEntry entry, Comparison<CatalogEntry> order)
    {
        // The last block whose first entry does not come after this one.
        var (low, high) = (0, _blocks.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (order(_blocks[middle][0], entry) <= 0) low = middle;
            else high = middle - 1;
        }

        return (low, PlaceIn(_blocks[low], entry, order));
    }

    private static int PlaceIn(CatalogEntry[] block, CatalogEntry entry, Comparison<CatalogEntry> order)
    {
        var (low, high) = (0, block.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (order(block[middle], entry) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    public struct Walker(CatalogEntry[][] blocks, bool backwards)
    {
        private CatalogEntry[] _block = [];
        private int _next = -1;
        private int _blocksSeen;

        public CatalogEntry Current { get; private set; } = null!;

        public readonly Walker GetEnumerator() => this;

        public bool MoveNext()
        {
            if ((uint)_next >= (uint)_block.Length)
            {
                if (_blocksSeen == blocks.Length) return false;
                _block = blocks[backwards ? blocks.Length - 1 - _blocksSeen : _blocksSeen];
                _blocksSeen++;
                _next = backwards ? _block.Length - 1 : 0;
            }

            Current = _block[_next];
            _next += backwards ? -1 : 1;
            return true;
        }
    }

    /// <summary>What becomes of one block.</summary>
    private sealed class Edit
    {
        public SortedSet<int> Gone { get; } = [];

        public List<CatalogEntry> Come { get; } = [];

        public CatalogEntry[] Apply(CatalogEntry[] block, Comparison<CatalogEntry> order)
        {
            var (result, come) = (new List<CatalogEntry>(block.Length + Come.Count), 0);
            for (var at = 0; at < block.Length; at++)
            {
                if (Gone.Contains(at)) continue;
                while (come < Come.Count && order(Come[come], block[at]) < 0) result.Add(Come[come++]);
                result.Add(block[at]);
            }

            result.AddRange(Come[come..]);
            return [.. result];
        }
    }
}
