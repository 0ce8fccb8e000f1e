using System.Collections.Concurrent;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Uploads;

/// <summary>
/// Where parts go that do not say of which movie they are: those that one client begins one soon after the other go to the same place, since they are parts of one movie
/// as a rule, and joining them is then a copy inside each disk. A guess that is wrong costs a pull.
/// </summary>
public sealed class PartPlaces(TimeProvider time)
{
    // Clients begin all parts of a movie at once.
    private static readonly TimeSpan _together = TimeSpan.FromSeconds(10);

    private const int MostClients = 1000;

    private readonly ConcurrentDictionary<string, (FileName Place, long At)> _last = new();

    /// <param name="client">Tells clients apart.</param>
    public FileName Of(string client)
    {
        if (_last.Count > MostClients) _last.Clear();
        return _last.AddOrUpdate(
            client,
            _ => (NewPlace(), time.GetTimestamp()),
            (_, last) => (time.GetElapsedTime(last.At) < _together ? last.Place : NewPlace(), time.GetTimestamp())).Place;
    }

    private static FileName NewPlace() => FileName.Parse(UploadId.New().Value);
}
