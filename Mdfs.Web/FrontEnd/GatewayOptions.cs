namespace Mdfs.Web.FrontEnd;

/// <summary>Whether this process sends movies itself. Bound from <see cref="Section"/>, beside <see cref="Mdfs.Gateway.Streams.StreamOptions"/>.</summary>
public sealed class GatewayOptions
{
    public const string Section = "Mdfs:Gateway";

    /// <summary>
    /// Whether movies are fetched from the workers by this process, so that they do not pass through the master. Default no: it has to reach the workers' addresses, which a
    /// front end is often kept from, and what it cannot reach costs each of its clients a moment before the master helps out.
    /// </summary>
    public bool Enabled { get; set; }
}
