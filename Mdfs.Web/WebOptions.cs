using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mdfs.Web;

/// <summary>The console's settings. Bound from <see cref="Section"/>.</summary>
public sealed class WebOptions
{
    public const string Section = "Mdfs:Web";

    /// <summary>How long a session lives that nobody uses. Default 12 h, 1 min to 30 d.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan SessionIdle { get; set; } = TimeSpan.FromHours(12);

    /// <summary>How long a session lives at most. Default 7 d, 1 min to 365 d.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan SessionLife { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often the master is asked while somebody looks, once for all who do. Default 2 s, 100 ms to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>What every key of the console in Redis begins with. Default <c>mdfs:console:</c>.</summary>
    [Required, StringLength(64, MinimumLength = 1)]
    public string RedisKeyPrefix { get; set; } = "mdfs:console:";
}

[OptionsValidator]
public sealed partial class WebOptionsValidator : IValidateOptions<WebOptions>;
