using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Mdfs.Master.Catalog;
using Mdfs.Protocol.Names;

namespace Mdfs.Master.Files;

/// <summary>By what a listing is ordered; names break ties.</summary>
public enum FileOrder
{
    Name,
    Size,
    Date,
    Copies,
}

/// <summary>
/// One page of the catalog. A cursor names the last movie of the page before, so that movies which come and go meanwhile shift nothing; an offset is for
/// tables in which one jumps.
/// </summary>
/// <param name="Query">Case-insensitive part of a name; empty for all.</param>
/// <param name="Limit">1 to <see cref="MaxLimit"/>.</param>
/// <param name="After">Where the page before ended, or null.</param>
/// <param name="Offset">Movies left out at the beginning; 0 with a cursor.</param>
/// <param name="UnderReplicated">Only movies with fewer copies than they should have.</param>
public sealed record FileQuery(string Query, FileOrder Order, bool Descending, int Limit, FileCursor? After, int Offset = 0, bool UnderReplicated = false)
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;
    public const string UnderReplicatedFilter = "under-replicated";

    /// <summary>Reads the parameters of <c>GET /api/files</c>; on failure <paramref name="problem"/> says which one is wrong.</summary>
    public static bool TryParse(
        string? query, string? sort, string? limit, string? cursor, string? offset, string? filter, [NotNullWhen(true)] out FileQuery? result, [NotNullWhen(false)] out string? problem)
    {
        result = null;
        problem = null;
        var descending = sort?.StartsWith('-') == true;
        var key = descending ? sort![1..] : sort ?? "name";
        FileOrder? order = key switch
        {
            "" or "name" => FileOrder.Name,
            "size" => FileOrder.Size,
            "date" => FileOrder.Date,
            "copies" => FileOrder.Copies,
            _ => null,
        };
        if (order is null)
        {
            problem = "sort must be name, size, date or copies, with a '-' before it for descending order.";
            return false;
        }

        var count = DefaultLimit;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is < 1 or > MaxLimit))
        {
            problem = $"limit must be a whole number from 1 to {MaxLimit}.";
            return false;
        }

        FileCursor? after = null;
        if (!string.IsNullOrEmpty(cursor) && !FileCursor.TryParse(cursor, out after))
        {
            problem = "cursor must be the 'next' of an earlier page.";
            return false;
        }

        var skip = 0;
        if (!string.IsNullOrEmpty(offset) && !int.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out skip))
        {
            problem = "offset must be a whole number from 0.";
            return false;
        }

        if (!string.IsNullOrEmpty(offset) && after is not null)
        {
            problem = "offset and cursor exclude one another: a page begins after a movie or at a place.";
            return false;
        }

        if (!string.IsNullOrEmpty(filter) && filter != UnderReplicatedFilter)
        {
            problem = $"filter must be {UnderReplicatedFilter}, or absent.";
            return false;
        }

        result = new FileQuery(Part(query), order.Value, descending, count, after, skip, !string.IsNullOrEmpty(filter));
        return true;
    }

    /// <summary>A part of a name in the spelling that names have. What is no valid Unicode is in no name, and is looked for as it is.</summary>
    public static string Part(string? query)
    {
        try
        {
            return (query ?? "").Normalize(NormalizationForm.FormC);
        }
        catch (ArgumentException)
        {
            return query!;
        }
    }

    /// <summary>The order of the movies when this query ascends: by its key, then by name.</summary>
    /// <param name="copies">How many copies of an entry count.</param>
    public static Comparison<CatalogEntry> Ascending(FileOrder order, Func<CatalogEntry, int> copies) => order switch
    {
        FileOrder.Name => static (a, b) => a.Name.CompareTo(b.Name),
        _ => (a, b) => Key(order, a, copies).CompareTo(Key(order, b, copies)) is var difference and not 0 ? difference : a.Name.CompareTo(b.Name),
    };

    /// <summary>The page, and the cursor of the next one if there is more.</summary>
    /// <param name="sorted">All movies in <see cref="Ascending"/> order.</param>
    /// <param name="copies">How many copies of an entry count.</param>
    /// <param name="wanted">Copies below which a movie is under-replicated.</param>
    public FileSlice Run(OrderedEntries sorted, Func<CatalogEntry, int> copies, int wanted)
    {
        var first = Offset;
        if (After is not null) first = FirstAfter(After, sorted, copies);
        var page = new List<CatalogEntry>(Limit);
        if (Query.Length == 0 && !UnderReplicated)
        {
            for (var at = first; at < sorted.Count && page.Count < Limit; at++) page.Add(At(sorted, at));
            return new FileSlice(page, first + page.Count < sorted.Count ? Cursor(page, copies) : null, sorted.Count);
        }

        // Looked at to the end in any case, for the total.
        var part = SearchValues.Create([Query], StringComparison.OrdinalIgnoreCase);
        // In their order the movies that lack copies stand together, and need not be counted once more.
        var lacking = UnderReplicated && Order == FileOrder.Copies ? First(sorted.Count, at => copies(sorted[at]) >= wanted) : (int?)null;
        var total = 0;
        var more = false;
        var place = -1;
        foreach (var entry in sorted.Walk(Descending))
        {
            place++;
            if (Query.Length > 0 && !entry.Name.Value.AsSpan().ContainsAny(part)) continue;
            if (UnderReplicated && !(lacking is { } count ? Index(sorted, place) < count : copies(entry) < wanted)) continue;
            total++;
            if (After is not null ? place < first : total <= first) continue;
            if (page.Count < Limit) page.Add(entry);
            else more = true;
        }

        return new FileSlice(page, more ? Cursor(page, copies) : null, total);
    }

    private int Index(OrderedEntries sorted, int place) => Descending ? sorted.Count - 1 - place : place;

    private CatalogEntry At(OrderedEntries sorted, int place) => sorted[Index(sorted, place)];

    private int FirstAfter(FileCursor cursor, OrderedEntries sorted, Func<CatalogEntry, int> copies) => First(sorted.Count, place =>
    {
        var entry = At(sorted, place);
        var difference = Key(Order, entry, copies).CompareTo(cursor.Key);
        if (difference == 0) difference = string.CompareOrdinal(entry.Name.Value, cursor.Name);
        return (Descending ? -difference : difference) > 0;
    });

    /// <summary>The first place of which it holds, as it does of all behind it.</summary>
    private static int First(int count, Func<int, bool> holds)
    {
        var (low, high) = (0, count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (holds(middle)) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    private FileCursor? Cursor(List<CatalogEntry> page, Func<CatalogEntry, int> copies) =>
        page.Count == 0 ? null : new FileCursor(Key(Order, page[^1], copies), page[^1].Name.Value);

    internal static long Key(FileOrder order, CatalogEntry entry, Func<CatalogEntry, int> copies) => order switch
    {
        FileOrder.Size => entry.Size,
        FileOrder.Date => entry.Replica.CommittedAt.UtcTicks,
        FileOrder.Copies => copies(entry),
        _ => 0,
    };
}

/// <summary>What a query found.</summary>
/// <param name="Next">The cursor of the page after this one, or null when there is none.</param>
/// <param name="Total">All movies that match, on all pages.</param>
public sealed record FileSlice(IReadOnlyList<CatalogEntry> Page, FileCursor? Next, int Total);

/// <summary>Where a page ended: the sort key and the name of its last movie. Opaque to clients.</summary>
public sealed record FileCursor(long Key, string Name)
{
    public static bool TryParse(string text, [NotNullWhen(true)] out FileCursor? cursor)
    {
        cursor = null;
        if (text.Length > 2048 || !Base64Url.IsValid(text)) return false;
        var plain = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text));
        var split = plain.IndexOf(' ');
        if (split < 1 || !long.TryParse(plain.AsSpan(0, split), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var key)) return false;
        cursor = new FileCursor(key, plain[(split + 1)..]);
        return true;
    }

    public override string ToString() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Key} {Name}")));
}
