namespace Mdfs.Master.Catalog.Store;

public enum StoreState
{
    /// <summary>Redis answers and stands where this master left it.</summary>
    Serving,

    /// <summary>Redis does not answer. Reads from memory go on.</summary>
    Unreachable,

    /// <summary>A transaction got no answer and is being settled.</summary>
    Settling,

    /// <summary>Another master reigns.</summary>
    Replaced,

    /// <summary>No epoch was taken yet, or nothing was loaded.</summary>
    NotOpened,
}

/// <param name="Sentence">For an operator.</param>
/// <param name="ReplacedBy">The higher epoch, when <see cref="StoreState.Replaced"/>.</param>
/// <param name="Restored">What was written back during this check, or null.</param>
/// <param name="Durability">As inspected at the last connect; null before the first.</param>
public sealed record StoreHealth(StoreState State, string Sentence, long? ReplacedBy, RestoreReport? Restored, RedisDurability? Durability);

/// <summary>Redis could not be read.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
