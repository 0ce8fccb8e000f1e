using Mdfs.Protocol.Wire;

namespace Mdfs.Web.FrontEnd;

/// <summary>What a request for a movie is waiting to be told, and then has been.</summary>
/// <param name="name">As the client wrote it.</param>
/// <param name="known">What this front end knew when the request came.</param>
internal sealed class MovieAsked(string name, KnownEntry? known)
{
    public string Name => name;

    public KnownEntry? Known => known;

    /// <summary>The token that went along.</summary>
    public string? Token { get; set; }

    /// <summary>What the movie is; null as long as the master has not taken the offer.</summary>
    public MovieEntry? Told { get; set; }

    /// <summary>By the master's clock.</summary>
    public DateTimeOffset ToldAt { get; set; }

    /// <summary>The master began to tell and did not end.</summary>
    public bool BrokenOff { get; set; }
}
