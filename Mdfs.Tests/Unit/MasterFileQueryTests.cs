using System.Collections.Immutable;
using CsCheck;
using Mdfs.Master.Catalog;
using Mdfs.Master.Files;
using Mdfs.Protocol.Names;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Unit;

/// <summary>Listings and playlists over a catalog in memory.</summary>
public sealed class MasterFileQueryTests
{
    [Theory]
    [InlineData("upside-down", null, null, null, null, "sort")]
    [InlineData("--name", null, null, null, null, "sort")]
    [InlineData(null, "0", null, null, null, "limit")]
    [InlineData(null, "1001", null, null, null, "limit")]
    [InlineData(null, "ten", null, null, null, "limit")]
    [InlineData(null, "-1", null, null, null, "limit")]
    [InlineData(null, null, "%%%", null, null, "cursor")]
    [InlineData(null, null, "bm9udW1iZXI", null, null, "cursor")]
    [InlineData(null, null, "AB", null, null, "cursor")]
    [InlineData(null, null, null, "-1", null, "offset")]
    [InlineData(null, null, null, "99999999999", null, "offset")]
    [InlineData(null, null, "NSBhLm1wNA", "0", null, "offset")]
    [InlineData(null, null, null, null, "everything", "filter")]
    public void A_wrong_parameter_is_named(string? sort, string? limit, string? cursor, string? offset, string? filter, string named)
    {
        Assert.False(FileQuery.TryParse(null, sort, limit, cursor, offset, filter, out _, out var problem));
        Assert.StartsWith(named, problem);
    }

    [Fact]
    public void A_part_of_a_name_is_found_whatever_its_case_and_normalisation()
    {
        var entries = Entries(("Am\u00e9lie.mp4", 1), ("amelia.mp4", 2));
        Assert.Equal(["Am\u00e9lie.mp4"], Page(entries, "AME\u0301L"));
        Assert.Equal(2, Page(entries, "aM").Count);
        Assert.Empty(Page(entries, "\ud800"));
    }

    [Theory]
    [InlineData("size", new[] { "b.mp4", "c.mp4", "a.mp4" })]
    [InlineData("-size", new[] { "a.mp4", "c.mp4", "b.mp4" })]
    [InlineData("name", new[] { "a.mp4", "b.mp4", "c.mp4" })]
    [InlineData("-name", new[] { "c.mp4", "b.mp4", "a.mp4" })]
    public void Order_is_as_asked_and_names_break_ties(string sort, string[] expected) =>
        Assert.Equal(expected, Page(Entries(("a.mp4", 9), ("b.mp4", 1), ("c.mp4", 1)), sort: sort));

    [Fact]
    public void Pages_meet_every_movie_that_stays_once_while_others_come_and_go() =>
        Gen.Select(Gen.Int[1, 7], Gen.Bool, Gen.Int[0, 3], Gen.Int[0, 100].Array[1, 40], Gen.Int[0, 100].Array[0, 40]).Sample((limit, descending, order, stay, come) =>
        {
            var sort = (descending ? "-" : "") + new[] { "name", "size", "date", "copies" }[order];
            var staying = Entries([.. stay.Distinct().Select(number => ($"{number}.mp4", (long)number % 5))]);
            var met = new List<string>();
            string? cursor = null;
            var round = 0;
            do
            {
                // Others are there on even pages and gone on odd ones.
                var others = round++ % 2 == 0 ? Entries([.. come.Distinct().Select(number => ($"x{number}.mp4", (long)number % 5))]) : [];
                Assert.True(FileQuery.TryParse(null, sort, $"{limit}", cursor, null, null, out var query, out _));
                var (page, next, total) = Run(query, staying.Concat(others));
                Assert.True(page.Count <= limit);
                Assert.Equal(staying.Count + others.Count, total);
                met.AddRange(page.Select(entry => entry.Name.Value));
                cursor = next?.ToString();
            }
            while (cursor is not null);

            Assert.Equal(met.Count, met.Distinct().Count());
            Assert.Equal(staying.Select(entry => entry.Name.Value).Order(), met.Where(name => name[0] != 'x').Order());
        });

    [Fact]
    public void An_offset_jumps_to_where_leafing_would_have_come_whatever_is_looked_for() =>
        Gen.Select(Gen.Int[1, 7], Gen.Int[0, 50], Gen.Bool, Gen.Int[0, 3], Gen.Bool, Gen.Int[0, 2].Select(which => new[] { "", "1", "no such" }[which]), Gen.Int[0, 100].Array[0, 40]).Sample((limit, offset, descending, order, lacking, part, numbers) =>
        {
            static int Copies(CatalogEntry entry) => (int)entry.Size % 3;
            var sort = (descending ? "-" : "") + new[] { "name", "size", "date", "copies" }[order];
            var filter = lacking ? FileQuery.UnderReplicatedFilter : null;
            var entries = Entries([.. numbers.Distinct().Select(number => ($"{number}.mp4", (long)number % 7))]);
            Assert.True(FileQuery.TryParse(part, sort, "1000", null, null, filter, out var all, out _));
            Assert.True(FileQuery.TryParse(part, sort, $"{limit}", null, $"{offset}", filter, out var query, out _));
            var expected = Run(all, entries, Copies).Page;
            var (page, next, total) = Run(query, entries, Copies);
            Assert.Equal(expected.Skip(offset).Take(limit), page);
            Assert.Equal(expected.Count, total);
            Assert.Equal(offset + page.Count < total && page.Count > 0, next is not null);
            Assert.Equal(entries.Count(entry => entry.Name.Value.Contains(part, StringComparison.Ordinal) && (!lacking || Copies(entry) < 2)), total);
        });

    [Fact]
    public void An_order_that_is_kept_sorted_is_the_one_that_sorting_anew_would_give() =>
        Gen.Select(Gen.Int[0, 2], Gen.Select(Gen.Int[0, 30], Gen.Int[0, 5], Gen.Int[0, 3]).Array[0, 80]).Sample((order, changes) =>
        {
            var catalog = new FileCatalog();
            var byOrder = FileQuery.Ascending((FileOrder)order, _ => 0);
            var kept = new SortedMovies(catalog, byOrder);
            catalog.Changed += kept.Note;
            catalog.Replaced += kept.Void;
            foreach (var (number, size, act) in changes)
            {
                var entry = Entries(($"{number}.mp4", size))[0];
                if (act == 0) catalog.Apply(new CatalogChange { Remove = [entry.Name], Highest = entry.Version });
                else if (act == 1 && size == 0) catalog.Replace([entry], [], entry.Version);
                else catalog.Apply(new CatalogChange { Put = [entry], Highest = entry.Version });
                // Looked at now and then: several changes are worked in at once.
                if (act != 3) continue;
                var expected = catalog.Entries.ToArray();
                Array.Sort(expected, byOrder);
                Assert.Equal(expected, kept.Current());
            }
        });

    [Fact]
    public void So_are_orders_of_thousands_while_they_grow_and_shrink_and_those_made_of_the_one_by_name()
    {
        var dice = new Random(7);
        var catalog = new FileCatalog();
        var byName = new SortedMovies(catalog, FileQuery.Ascending(FileOrder.Name, _ => 0));
        var bySize = new SortedMovies(catalog, FileQuery.Ascending(FileOrder.Size, _ => 0), (byName, entry => entry.Size));
        catalog.Changed += byName.Note;
        catalog.Changed += bySize.Note;
        catalog.Replaced += byName.Void;
        catalog.Replaced += bySize.Void;
        catalog.Replace(Entries([.. Enumerable.Range(0, 3000).Select(number => ($"{number}.mp4", (long)dice.Next(50)))]), [], default);
        // Most come, then most go.
        foreach (var (steps, going) in ((int, int)[])[(40, 1), (120, 9), (20, 3)])
        {
            for (var step = 0; step < steps; step++)
            {
                for (var change = dice.Next(200); change > 0; change--)
                {
                    var entry = Entries(($"{dice.Next(6000)}.mp4", dice.Next(50)))[0];
                    if (dice.Next(10) < going) catalog.Apply(new CatalogChange { Remove = [entry.Name], Highest = entry.Version });
                    // What is there already may be written once more.
                    else catalog.Apply(new CatalogChange { Put = [dice.Next(10) == 0 && catalog.Find(entry.Name) is { } known ? known : entry], Highest = entry.Version });
                }

                foreach (var (order, kept) in ((FileOrder, SortedMovies)[])[(FileOrder.Size, bySize), (FileOrder.Name, byName)])
                {
                    var expected = catalog.Entries.ToArray();
                    Array.Sort(expected, FileQuery.Ascending(order, _ => 0));
                    var found = kept.Current();
                    Assert.Equal(expected, found);
                    Assert.Equal(expected.Length, found.Count);
                    for (var at = 0; at < expected.Length; at += 97) Assert.Same(expected[at], found[at]);
                    var backwards = new List<CatalogEntry>();
                    foreach (var entry in found.Walk(backwards: true)) backwards.Add(entry);
                    Assert.Equal(expected.Reverse(), backwards);
                }
            }
        }
    }

    [Fact]
    public void A_cursor_carries_any_name()
    {
        var cursor = new FileCursor(-5, "a b\u00e9 \ud83c\udfac%.mp4");
        Assert.True(FileCursor.TryParse(cursor.ToString(), out var read));
        Assert.Equal(cursor, read);
    }

    [Fact]
    public async Task A_playlist_has_one_title_and_one_link_per_movie_whatever_its_name()
    {
        var text = new StringWriter();
        await Playlist.WriteM3uAsync(text, [("a b.mp4", "http://nas:8080/index/a%20b.mp4"), ("#EXTM3U,\ud83c\udfac.mp4", "http://nas:8080/index/%23EXTM3U%2C%F0%9F%8E%AC.mp4")]);
        Assert.Equal(
            "#EXTM3U\n#EXTINF:-1,a b.mp4\nhttp://nas:8080/index/a%20b.mp4\n#EXTINF:-1,#EXTM3U,\ud83c\udfac.mp4\nhttp://nas:8080/index/%23EXTM3U%2C%F0%9F%8E%AC.mp4\n",
            $"{text}");
    }

    private static List<string> Page(IEnumerable<CatalogEntry> entries, string? part = null, string? sort = null)
    {
        Assert.True(FileQuery.TryParse(part, sort, null, null, null, null, out var query, out _));
        return [.. Run(query, entries).Page.Select(entry => entry.Name.Value)];
    }

    private static FileSlice Run(FileQuery query, IEnumerable<CatalogEntry> entries, Func<CatalogEntry, int>? copies = null)
    {
        copies ??= _ => 0;
        var sorted = entries.ToArray();
        Array.Sort(sorted, FileQuery.Ascending(query.Order, copies));
        return query.Run(OrderedEntries.Of(sorted), copies, wanted: 2);
    }

    private static ImmutableList<CatalogEntry> Entries(params IReadOnlyList<(string Name, long Size)> movies) =>
        [.. movies.Select((movie, i) => new CatalogEntry(SpeakingNode.Sealed(FileName.Parse(movie.Name).Value, i + 1, "c", movie.Size).Replica, []))];
}
