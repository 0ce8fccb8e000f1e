using Mdfs.Protocol.Http;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>
/// The date of a new version. HTTP tells it to the second, and a client may resume by it (<c>If-Range</c> with a date): so no two versions of a name get
/// the same second, the later one's is put off to the next. That makes every date a strong validator (RFC 9110, 8.8.2.2), with nothing to remember but what
/// the catalog knows of the name anyway.
/// </summary>
public static class CommitMoment
{
    /// <param name="now">The master's clock.</param>
    /// <param name="previous">The version that stood under the name until now, or null.</param>
    /// <param name="tombstone">The last deletion of the name that is remembered, or null.</param>
    public static DateTimeOffset Next(DateTimeOffset now, CatalogEntry? previous, Tombstone? tombstone)
    {
        var moment = now;
        if (previous is not null) moment = After(moment, previous.Replica.CommittedAt);
        // The deleted version's own date is forgotten; it was not later than its deletion.
        if (tombstone is not null) moment = After(moment, tombstone.DeletedAt);
        return moment;
    }

    private static DateTimeOffset After(DateTimeOffset moment, DateTimeOffset before)
    {
        var next = HttpDate.WholeSeconds(before).AddSeconds(1);
        return moment >= next ? moment : next;
    }
}
