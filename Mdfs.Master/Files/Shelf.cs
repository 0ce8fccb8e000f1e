using Mdfs.Master.Catalog;

namespace Mdfs.Master.Files;

/// <summary>The movies of the catalog as they stand on a shelf: by name.</summary>
public static class Shelf
{
    /// <param name="query">Part of the name, whatever its case; null or empty for all.</param>
    public static IEnumerable<CatalogEntry> Sorted(FileCatalog catalog, string? query)
    {
        var part = FileQuery.Part(query);
        return catalog.Entries.Where(entry => part.Length == 0 || entry.Name.Value.Contains(part, StringComparison.OrdinalIgnoreCase)).OrderBy(entry => entry.Name);
    }
}
