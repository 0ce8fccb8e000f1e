using Garnet;
using Garnet.server;
using Microsoft.Extensions.Logging;

namespace Mdfs.Garnet;

/// <summary>
/// A Garnet server that answers nobody before what it recovered stands in a checkpoint and its log is empty again.
/// <para>
/// The log of a killed server may end in the middle of a transaction. Replaying such a log drops that half, rightly. But Garnet tells
/// transactions apart by session numbers that start anew with every process: once another life has written behind the half, its commands
/// in the session of the same number count as part of it, and the next recovery fails, or without a word forgets what was acknowledged.
/// So no life may write behind the log of another.
/// </para>
/// </summary>
internal sealed class RecoveredServer : GarnetServer
{
    private readonly Listener _listener;

    public RecoveredServer(GarnetServerOptions options, ILoggerFactory logs)
        : this(options, logs, new Listener(options, logs.CreateLogger("Listener")))
    {
    }

    private RecoveredServer(GarnetServerOptions options, ILoggerFactory logs, Listener listener)
        : base(options, logs, [listener]) => _listener = listener;

    /// <summary>Recovers, takes the checkpoint if there was a log, and listens.</summary>
    /// <exception cref="IOException">The checkpoint could not be written.</exception>
    public void Open()
    {
        Start();
        if (storeWrapper.AofSize() > 0 && storeWrapper.TakeCheckpointAsync(background: false).GetAwaiter().GetResult() != CheckpointStatus.Success)
            throw new IOException("The checkpoint after recovery could not be written.");
        _listener.Open();
    }

    /// <summary>Holds back what Garnet starts by itself as soon as it has recovered.</summary>
    private sealed class Listener(GarnetServerOptions options, ILogger logger)
        : GarnetServerTcp(options.EndPoints[0], logger: logger)
    {
        public override void Start()
        {
        }

        public void Open() => base.Start();
    }
}
