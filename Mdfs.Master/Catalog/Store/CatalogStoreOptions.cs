using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Catalog.Store;

/// <summary>How the catalog is kept in Redis. Bound from <see cref="Section"/>.</summary>
public sealed class CatalogStoreOptions
{
    public const string Section = "Mdfs:Master";

    /// <summary>What every key begins with; two clusters on one Redis need two prefixes. Default <c>mdfs:</c>.</summary>
    [Required, StringLength(64, MinimumLength = 1)]
    public string RedisKeyPrefix { get; set; } = "mdfs:";

    /// <summary>How long a commit waits for a Redis that blinks before it is answered 503. Default 60 s, 100 ms to 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan CommitWait { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>After how long one command counts as unanswered. Default 5 s (an fsync on a slow disk takes seconds), 50 ms to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:01:00")]
    public TimeSpan RedisOperationTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause between two attempts while Redis is away. Default 100 ms, 1 ms to 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan RedisRetryPause { get; set; } = TimeSpan.FromMilliseconds(100);
}

[OptionsValidator]
public sealed partial class CatalogStoreOptionsValidator : IValidateOptions<CatalogStoreOptions>;
