using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Transfer;

/// <summary>How long the master waits for workers and clients while bytes move. Stands in the section <c>Mdfs:Master</c>.</summary>
public sealed class TransferOptions
{
    /// <summary>The longest silence of one side while the other has something to get from it or to give to it. Default 10 s; 0.1 s to 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a worker may take to open an upload, to drop one or to hear of a beat. Default 2 s; 0.1 s to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan OpenTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a worker may take to seal a replica or to write down a tombstone. Default 5 s; 0.1 s to 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan SealTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a worker may take from the last byte to its receipt: the fsync of whatever the system still held in memory, on a slow disk several GiB.
    /// A worker whose machine is gone is noticed earlier, by the probes of the connection. Default 2 min; 1 s to 1 h.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ReceiptTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>The slowest re-reading that a verification is waited for, in bytes per second. Default 5 MiB/s; 64 KiB/s to 10 GiB/s.</summary>
    [Range(64L * 1024, 10L * 1024 * 1024 * 1024)]
    public long VerifyBytesPerSecond { get; set; } = 5 * 1024 * 1024;
}

[OptionsValidator]
public sealed partial class TransferOptionsValidator : IValidateOptions<TransferOptions>;
