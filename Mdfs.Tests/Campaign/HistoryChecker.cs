namespace Mdfs.Tests.Campaign;

/// <summary>
/// What no history of a cluster may show (docs/reliability.md). It raises no false alarm: whatever an answer left open is allowed either way, at any time after it was asked for. Versions order what
/// happened to a name; where one is not known the order is that of answers that came before questions.
/// </summary>
public static class HistoryChecker
{
    public static IReadOnlyList<string> Check(IEnumerable<Change> changes, IEnumerable<Sight> sights)
    {
        var seen = sights.ToLookup(sight => sight.Name);
        var done = changes.ToLookup(change => change.Name);
        return [.. done.Select(group => group.Key).Union(seen.Select(group => group.Key)).SelectMany(name => CheckName([.. done[name]], [.. seen[name]]))];
    }

    private static IEnumerable<string> CheckName(List<Change> changes, List<Sight> sights)
    {
        var acknowledged = changes.Where(change => change.Ending == Ending.Done).ToList();
        var known = FirstKnown(acknowledged, sights);
        var sizes = new Dictionary<long, long>();
        foreach (var change in acknowledged)
        {
            if (change is { Version: { } version, Size: { } size, Act: not Act.Delete }) sizes[version] = size;
        }

        foreach (var (earlier, later) in OutOfOrder(acknowledged)) yield return $"Version {later.Version} was given after {earlier.Version}:\n{earlier}\n{later}";

        foreach (var sight in sights)
        {
            if (sight.Version is not { } version)
            {
                foreach (var lost in acknowledged.Where(change => change.Act != Act.Delete && change.End < sight.Start && !changes.Any(other => MayHaveDeleted(other, change, sight))))
                    yield return $"Acknowledged, never deleted, and said not to be there:\n{lost}\n{sight}";
                continue;
            }

            if (sight.Size is { } size)
            {
                if (!sizes.TryAdd(version, size) && sizes[version] != size) yield return $"Version {version} has {sizes[version]} bytes, and here others:\n{sight}";
                if (!changes.Any(change => MayHaveMade(change, version, size, sight, changes))) yield return $"Nobody can have stored what was seen:\n{sight}";
            }

            foreach (var newer in acknowledged.Where(change => change.End < sight.Start && IsAfter(change, version, known)))
            {
                yield return newer.Act == Act.Delete
                    ? $"Deleted, and read again:\n{newer}\n{sight}"
                    : $"Overwritten, and read again:\n{newer}\n{sight}";
            }
        }
    }

    /// <summary>When each version was first known to be there.</summary>
    private static Dictionary<long, TimeSpan> FirstKnown(IEnumerable<Change> acknowledged, IEnumerable<Sight> sights)
    {
        var first = new Dictionary<long, TimeSpan>();
        foreach (var (version, at) in acknowledged.Where(change => change.Act != Act.Delete).Select(change => (change.Version, change.End)).Concat(sights.Select(sight => (sight.Version, sight.End))))
        {
            if (version is { } number && (!first.TryGetValue(number, out var known) || at < known)) first[number] = at;
        }

        return first;
    }

    private static bool IsAfter(Change change, long version, Dictionary<long, TimeSpan> known) =>
        change.Version is { } own ? own > version : known.TryGetValue(version, out var at) && at < change.Start;

    private static bool MayHaveDeleted(Change change, Change stored, Sight sight)
    {
        if (change.Act != Act.Delete || change.Ending == Ending.Refused || change.Start >= sight.End) return false;
        if (change.Ending == Ending.Unknown) return true;
        return change.Version is { } bound && stored.Version is { } version ? bound > version : change.End >= stored.Start;
    }

    private static bool MayHaveMade(Change change, long version, long size, Sight sight, List<Change> all)
    {
        if (change.Start >= sight.End || change.Ending == Ending.Refused || change.Act == Act.Delete) return false;
        if (change.Act == Act.Undelete)
        {
            if (change.Ending == Ending.Done && change.Version != version) return false;
            // Which of the earlier movies it was is told by the size.
            return all.Any(upload => upload.Size == size && upload.Act != Act.Undelete && upload.Ending != Ending.Refused && upload.Start < sight.End);
        }

        return change.Size == size && (change.Ending == Ending.Unknown || change.Version is null || change.Version == version || change.Act == Act.ResumableUpload);
    }

    private static IEnumerable<(Change Earlier, Change Later)> OutOfOrder(List<Change> acknowledged)
    {
        var ordered = acknowledged.Where(change => change.Version is not null).ToList();
        foreach (var later in ordered)
        {
            if (ordered.FirstOrDefault(earlier => earlier.End < later.Start && earlier.Version >= later.Version) is { } earlier) yield return (earlier, later);
        }
    }
}
