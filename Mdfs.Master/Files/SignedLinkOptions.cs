using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>Signed links (design, sections 5 and 8). Stands in the section <c>Mdfs:Master</c>.</summary>
public sealed class SignedLinkOptions
{
    /// <summary>
    /// Whether every download is answered with a link to a worker, where one can be reached by clients (<c>Mdfs:Worker:PublicUrl</c>). Default no: then only requests with
    /// <c>direct=1</c> are. Some players keep the address they were sent to for all later seeks, and do not come back when that worker is gone.
    /// </summary>
    public bool DirectLinks { get; set; }

    /// <summary>How long a signed link is good. Default 7 days; 24 h to 365 days.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "365.00:00:00")]
    public TimeSpan LinkLife { get; set; } = TimeSpan.FromDays(7);
}

[OptionsValidator]
public sealed partial class SignedLinkOptionsValidator : IValidateOptions<SignedLinkOptions>;
