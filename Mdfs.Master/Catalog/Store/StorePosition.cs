using System.Security.Cryptography;

namespace Mdfs.Master.Catalog.Store;

/// <summary>
/// Where the catalog in Redis stands. Every write of a master is conditioned on the position it knows, so that whatever else happened to
/// Redis in between (another master, a restored backup, a flush, a transaction that comes late out of a frozen socket) makes it fail
/// instead of mixing two histories.
/// </summary>
/// <param name="Epoch">The number of the reigning master; null: there never was one.</param>
/// <param name="Reign">The reigning master's own random mark.</param>
/// <param name="Sequence">Raised by every transaction on the catalog.</param>
/// <param name="Transaction">The random id of the transaction that raised the sequence last.</param>
/// <param name="Marker">
/// Null: the catalog is complete. <see cref="Rebuilding"/>: it began empty and the workers have not told all yet. Anything else: a master
/// was writing its memory back and did not finish.
/// </param>
public sealed record StorePosition(long? Epoch, string? Reign, long? Sequence, string? Transaction, string? Marker)
{
    public const string Rebuilding = "rebuilding";

    public static readonly StorePosition Empty = new(null, null, null, null, null);

    public static string NewId() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>The position after one more transaction on the catalog.</summary>
    internal StorePosition Next() => this with { Sequence = (Sequence ?? 0) + 1, Transaction = NewId() };
}
