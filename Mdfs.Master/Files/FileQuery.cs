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
/// One page of the catalog. Paging is by key, not by offset: a cursor names the last movie of the page before, so that movies which come
/// and go meanwhile shift nothing.
/// </summary>
/// <param name="Query">Case-insensitive part of a name; empty for all.</param>
/// <param name="Limit">1 to <see cref="MaxLimit"/>.</param>
/// <param name="After">Where the page before ended, or null.</param>
public sealed record FileQuery(string Query, FileOrder Order, bool Descending, int Limit, FileCursor? After)
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    /// <summary>Reads the parameters of <c>GET /api/files</c>; on failure <paramref name="problem"/> says which one is wrong.</summary>
    public static bool TryParse(
        string? query, string? sort, string? limit, string? cursor, [NotNullWhen(true)] out FileQuery? result, [NotNullWhen(false)] out string? problem)
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

        result = new FileQuery(Part(query), order.Value, descending, count, after);
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

    /// <summary>The page, and the cursor of the next one if there is more.</summary>
    /// <param name="copies">How many copies of an entry count.</param>
    public (IReadOnlyList<CatalogEntry> Page, FileCursor? Next, int Total) Run(IEnumerable<CatalogEntry> entries, Func<CatalogEntry, int> copies)
    {
        var total = 0;
        // One pass that keeps no more than a page and one: sorting a whole library for every page of it would cost its square.
        var last = Comparer<FileCursor>.Create((a, b) => Compare(b, a));
        var kept = new PriorityQueue<CatalogEntry, FileCursor>(Limit + 2, last);
        foreach (var entry in entries)
        {
            if (Query.Length > 0 && !entry.Name.Value.Contains(Query, StringComparison.OrdinalIgnoreCase)) continue;
            total++;
            var place = new FileCursor(Key(entry, copies), entry.Name.Value);
            if (After is not null && Compare(place, After) <= 0) continue;
            if (kept.Count <= Limit) kept.Enqueue(entry, place);
            else kept.EnqueueDequeue(entry, place);
        }

        var more = kept.Count > Limit;
        if (more) kept.Dequeue();
        var page = new CatalogEntry[kept.Count];
        FileCursor? end = null;
        for (var i = page.Length - 1; kept.TryDequeue(out var entry, out var place); i--)
        {
            page[i] = entry;
            end ??= place;
        }

        return (page, more ? end : null, total);
    }

    private int Compare(FileCursor a, FileCursor b) =>
        (Descending ? -1 : 1) * (a.Key != b.Key ? a.Key.CompareTo(b.Key) : string.CompareOrdinal(a.Name, b.Name));

    private long Key(CatalogEntry entry, Func<CatalogEntry, int> copies) => Order switch
    {
        FileOrder.Size => entry.Size,
        FileOrder.Date => entry.Replica.CommittedAt.UtcTicks,
        FileOrder.Copies => copies(entry),
        _ => 0,
    };
}

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
