using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mdfs.Gateway.Streams;

/// <summary>How long is waited for workers and for clients while a movie is being sent. Stands in the section <c>Mdfs:Master</c> of the master and in <c>Mdfs:Gateway</c> of a front end.</summary>
public sealed class StreamOptions
{
    /// <summary>The longest silence of a worker while its reader waits for it. Default 10 s; 0.1 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a client may take nothing before its worker is given back; when it goes on, a worker is asked for the rest. Default 5 s; 0.1 s to 1 h. A player that
    /// plays takes something every second or two, one that is paused takes nothing for hours.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan PauseTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause before a replica that has failed is asked a second time: a worker that is being restarted needs it. Default 1 s; 0 to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromSeconds(1);
}

[OptionsValidator]
public sealed partial class StreamOptionsValidator : IValidateOptions<StreamOptions>;
