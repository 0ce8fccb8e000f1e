using System.Net.Sockets;
using Garnet;
using Garnet.server;
using Microsoft.Extensions.Logging;

namespace Mdfs.Garnet;

/// <summary>
/// A Garnet server that has read its log back and answers nobody yet: it can be looked at, copied over a private socket, and then opened
/// for clients.
/// </summary>
internal sealed class RecoveredServer : GarnetServer
{
    // In the header of each entry of the log, which Garnet keeps to itself (libs/server/AOF/AofHeader.cs).
    private const int TypeOffset = 2;
    private const int SessionOffset = 12;

    private readonly Listener _clients;
    private readonly Listener _copier;

    private RecoveredServer(GarnetServerOptions options, ILoggerFactory logs, Listener clients, Listener copier)
        : base(options, logs, [clients, copier])
    {
        _clients = clients;
        _copier = copier;
    }

    /// <summary>The length of the log in bytes.</summary>
    public long LogSize => storeWrapper.AofSize();

    /// <summary>The private socket, once <see cref="OpenForCopying"/> was called.</summary>
    public UnixDomainSocketEndPoint CopyEndPoint => (UnixDomainSocketEndPoint)_copier.EndPoint;

    /// <summary>Reads back the log in the directory that the options name; a fresh one is empty.</summary>
    public static RecoveredServer Recover(GarnetServerOptions options, ILoggerFactory logs)
    {
        var logger = logs.CreateLogger("Listener");
        var socket = Path.Combine(Path.GetTempPath(), $"mdfs-{Guid.NewGuid():N}.sock");
        var server = new RecoveredServer(options, logs, new Listener(options.EndPoints[0], logger), new Listener(new UnixDomainSocketEndPoint(socket), logger));
        try
        {
            server.Start();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether the log holds the beginning of a transaction without its end, as a kill may leave it. Garnet's replay drops such a half,
    /// rightly, but only while nothing follows: it tells transactions apart by session numbers, which start anew with every process, and
    /// counts what a later life writes in the session of that number as part of the half. The next recovery then fails, or without a
    /// word forgets what was acknowledged. So such a log must never be written on.
    /// </summary>
    public bool HasHalfTransaction()
    {
        var log = storeWrapper.appendOnlyFile.Log.SingleLog;
        var open = new HashSet<int>();
        using var scan = log.Scan(log.BeginAddress, log.TailAddress);
        while (scan.GetNext(out var entry, out _, out _, out _))
        {
            var session = BitConverter.ToInt32(entry, SessionOffset);
            switch ((AofEntryType)entry[TypeOffset])
            {
                case AofEntryType.TxnStart:
                    open.Add(session);
                    break;
                case AofEntryType.TxnCommit or AofEntryType.TxnAbort:
                    open.Remove(session);
                    break;
            }
        }
        return open.Count > 0;
    }

    /// <summary>Answers on the private socket, which only this user can open.</summary>
    public void OpenForCopying() => _copier.Open();

    /// <summary>Answers clients, and no longer on the private socket.</summary>
    public void Open()
    {
        _copier.Close();
        _clients.Open();
    }

    /// <summary>Holds back what Garnet starts by itself as soon as it has recovered.</summary>
    private sealed class Listener(System.Net.EndPoint endPoint, ILogger logger)
        : GarnetServerTcp(endPoint, unixSocketPath: (endPoint as UnixDomainSocketEndPoint)?.ToString(), unixSocketPermission: UnixFileMode.UserRead | UnixFileMode.UserWrite, logger: logger)
    {
        public override void Start()
        {
        }

        public void Open() => base.Start();
    }
}
