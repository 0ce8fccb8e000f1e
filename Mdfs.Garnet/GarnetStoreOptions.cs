using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mdfs.Garnet;

/// <summary>Where the embedded store listens and keeps its data; the configuration section <c>Mdfs:Garnet</c>.</summary>
public sealed class GarnetStoreOptions
{
    /// <summary>The configuration section these settings are bound from.</summary>
    public const string Section = "Mdfs:Garnet";

    /// <summary>TCP port for the Redis protocol, 0 to 65535; 0 takes a free one, which <see cref="GarnetStore.Port"/> then names. Default 6379.</summary>
    [Range(0, 65535)]
    public int Port { get; set; } = 6379;

    /// <summary>The IP address to listen on, or <c>localhost</c>; 0.0.0.0 for all. Default 127.0.0.1: the protocol is plain text. Beyond loopback a password is required.</summary>
    [Required]
    [RegularExpression(@"localhost|[0-9.]+|[0-9A-Fa-f:.%]+", ErrorMessage = "Mdfs:Garnet:Bind must be an IP address or localhost.")]
    public string Bind { get; set; } = "127.0.0.1";

    /// <summary>The directory of log and checkpoints, created when missing; one store at a time. Default: <c>mdfs/garnet</c> in the user's local application data.</summary>
    [Required]
    public string DataDirectory { get; set; } =
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "mdfs", "garnet");

    /// <summary>ASCII password that clients must give with AUTH; none when empty, which is the default.</summary>
    [RegularExpression(@"[\x21-\x7e]*", ErrorMessage = "Mdfs:Garnet:Password must be printable ASCII without blanks.")]
    public string? Password { get; set; }

    /// <summary>
    /// Length of the log in bytes, 1 MiB to 4 GiB, above which a start writes it anew, provided that it has doubled since that was done
    /// last. Default 64 MiB. While the store runs its log grows with every change.
    /// </summary>
    [Range(1L << 20, 1L << 32)]
    public long LogSizeLimit { get; set; } = 64L << 20;

    /// <summary>Whoever reaches this machine may read the catalog and change it. Redis refuses that likewise ("protected mode").</summary>
    internal bool IsOpenToOthers =>
        string.IsNullOrEmpty(Password) && System.Net.IPAddress.TryParse(Bind, out var address) && !System.Net.IPAddress.IsLoopback(address);
}

/// <summary>Checks <see cref="GarnetStoreOptions"/> at start, so that a wrong setting stops the process and names itself.</summary>
[OptionsValidator]
public sealed partial class GarnetStoreOptionsValidator : IValidateOptions<GarnetStoreOptions>;
