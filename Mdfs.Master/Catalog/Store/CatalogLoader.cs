using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using StackExchange.Redis;

namespace Mdfs.Master.Catalog.Store;

/// <summary>Reads everything the master keeps in Redis. One unreadable value is a problem to report, never a reason not to start.</summary>
internal sealed class CatalogLoader(IDatabase database, StoreKeys keys)
{
    // Garnet begins every page at the first field again, so pages are large; a page of movies is about 2 MB.
    private const int Page = 5000;

    private readonly List<string> _problems = [];
    private readonly Dictionary<NodeId, NodeId> _nodes = [];
    private readonly Dictionary<string, string> _clusters = [];
    private readonly Dictionary<ImmutableArray<NodeId>, ImmutableArray<NodeId>> _hints = new(new SameNodes());

    public async Task<StoreSnapshot> LoadAsync(StorePosition position, bool empty, CancellationToken cancellationToken)
    {
        var facts = await database.StringGetAsync(keys.Facts).ConfigureAwait(false);
        var holders = await HoldersAsync(cancellationToken).ConfigureAwait(false);
        var entries = await EntriesAsync(holders, cancellationToken).ConfigureAwait(false);
        var tombstones = await TombstonesAsync(cancellationToken).ConfigureAwait(false);
        var highest = new MovieVersion(facts[2].TryParse(out long number) ? number : 0);
        foreach (var entry in entries.Values) highest = MovieVersion.Max(highest, entry.Version);
        foreach (var tombstone in tombstones.Values) highest = MovieVersion.Max(highest, tombstone.Bound);
        return new StoreSnapshot
        {
            Epoch = position.Epoch!.Value,
            Sequence = position.Sequence!.Value,
            Entries = entries,
            Tombstones = tombstones,
            Nodes = await NodesAsync(cancellationToken).ConfigureAwait(false),
            ClusterId = facts[0].IsNullOrEmpty ? null : (string?)facts[0],
            ClusterAge = double.TryParse((string?)facts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var age) && double.IsFinite(age) ? Math.Max(age, 0) : 0,
            Highest = highest,
            Empty = empty,
            Incomplete = position.Marker is not null,
            Hinted = holders.Keys.ToHashSet(),
            Problems = _problems,
        };
    }

    private async Task<Dictionary<FileName, CatalogEntry>> EntriesAsync(Dictionary<MovieVersion, ImmutableArray<NodeId>> holders, CancellationToken cancellationToken)
    {
        var entries = new Dictionary<FileName, CatalogEntry>();
        await foreach (var (name, value) in ScanAsync(keys.Files, cancellationToken).ConfigureAwait(false))
        {
            if (Read(value, StoreJson.Default.StoredEntry, "movie", name) is not { } stored) continue;
            if (stored.Replica?.Name.Value != name)
            {
                _problems.Add($"The movie under '{name}' in Redis says it is '{stored.Replica?.Name}'; it was left out.");
                continue;
            }

            var replica = stored.Replica with { ClusterId = First(_clusters, stored.Replica.ClusterId) };
            entries[replica.Name] = new CatalogEntry(replica, holders.TryGetValue(replica.Version, out var hint) ? hint : Shared(stored.Hint ?? []));
        }

        return entries;
    }

    private async Task<Dictionary<FileName, Tombstone>> TombstonesAsync(CancellationToken cancellationToken)
    {
        var tombstones = new Dictionary<FileName, Tombstone>();
        await foreach (var (name, value) in ScanAsync(keys.Tombstones, cancellationToken).ConfigureAwait(false))
        {
            if (Read(value, StoreJson.Default.Tombstone, "tombstone", name) is not { } tombstone) continue;
            if (tombstone.Name.Value == name) tombstones[tombstone.Name] = tombstone;
            else _problems.Add($"The tombstone under '{name}' in Redis says it is of '{tombstone.Name}'; it was left out.");
        }

        return tombstones;
    }

    private async Task<IReadOnlyList<NodeRecord>> NodesAsync(CancellationToken cancellationToken)
    {
        var nodes = new Dictionary<NodeId, NodeRecord>();
        await foreach (var (id, value) in ScanAsync(keys.Nodes, cancellationToken).ConfigureAwait(false))
        {
            if (Read(value, StoreJson.Default.NodeRecord, "node", id) is { } node) nodes[node.Id] = node;
        }

        return [.. nodes.Values];
    }

    private async Task<Dictionary<MovieVersion, ImmutableArray<NodeId>>> HoldersAsync(CancellationToken cancellationToken)
    {
        var holders = new Dictionary<MovieVersion, ImmutableArray<NodeId>>();
        await foreach (var (version, value) in ScanAsync(keys.Holders, cancellationToken).ConfigureAwait(false))
        {
            // A hint that cannot be read is no loss, so it is no problem worth a sentence either.
            if (!MovieVersion.TryParse(version, out var of)) continue;
            var ids = new List<NodeId>();
            foreach (var text in ((string?)value ?? "").Split(','))
            {
                if (NodeId.TryParse(text, out var id)) ids.Add(id);
            }

            holders[of] = Shared(ids);
        }

        return holders;
    }

    private async IAsyncEnumerable<(string Field, RedisValue Value)> ScanAsync(
        RedisKey key, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var field in database.HashScanAsync(key, pageSize: Page).WithCancellation(cancellationToken).ConfigureAwait(false))
            yield return (field.Name.ToString(), field.Value);
    }

    private T? Read<T>(RedisValue value, JsonTypeInfo<T> type, string what, string field) where T : class
    {
        try
        {
            if (JsonSerializer.Deserialize(((ReadOnlyMemory<byte>)value).Span, type) is { } read) return read;
            _problems.Add($"The {what} '{field}' in Redis is null; it was left out.");
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            _problems.Add($"The {what} '{field}' in Redis cannot be read and was left out: {e.Message}");
        }

        return null;
    }

    // A hundred thousand entries name the same few nodes, mostly the same pairs of them, and one cluster: one string and one array each.
    private ImmutableArray<NodeId> Shared(IReadOnlyList<NodeId> ids)
    {
        var shared = ImmutableArray.CreateBuilder<NodeId>(ids.Count);
        foreach (var id in ids) shared.Add(First(_nodes, id));
        return First(_hints, shared.MoveToImmutable());
    }

    /// <summary>The first of all that are equal.</summary>
    private static T First<T>(Dictionary<T, T> seen, T value)
        where T : notnull
    {
        if (!seen.TryGetValue(value, out var first)) seen[value] = first = value;
        return first;
    }

    private sealed class SameNodes : IEqualityComparer<ImmutableArray<NodeId>>
    {
        public bool Equals(ImmutableArray<NodeId> one, ImmutableArray<NodeId> other) => one.AsSpan().SequenceEqual(other.AsSpan());

        public int GetHashCode(ImmutableArray<NodeId> nodes)
        {
            var hash = default(HashCode);
            foreach (var node in nodes) hash.Add(node);
            return hash.ToHashCode();
        }
    }
}
