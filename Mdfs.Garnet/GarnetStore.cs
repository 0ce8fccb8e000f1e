using System.Net;
using System.Net.Sockets;
using Garnet;
using Garnet.server;
using Garnet.server.Auth.Settings;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tsavorite.core;

namespace Mdfs.Garnet;

/// <summary>
/// A Redis-compatible store inside this process, with its log on disk: what it has answered is there after a restart, also after the
/// process was killed. Several of them can live in one process, each with its own port and directory.
/// </summary>
public sealed partial class GarnetStore : IAsyncDisposable
{
    private const int PortAttempts = 20;

    private readonly GarnetStoreOptions _options;
    private readonly ILogger _logger;
    private readonly ILoggerFactory _garnetLogs;
    private readonly IPAddress _address;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private DirectoryClaim? _claim;
    private RecoveredServer? _server;
    private bool _disposed;

    /// <param name="options">Read once, here.</param>
    /// <param name="loggerFactory">Takes the store's messages, those of Garnet itself below the category <c>Garnet</c>; none when null.</param>
    public GarnetStore(GarnetStoreOptions options, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        loggerFactory ??= NullLoggerFactory.Instance;
        _options = options;
        _logger = loggerFactory.CreateLogger<GarnetStore>();
        _garnetLogs = new GarnetLogs(loggerFactory);
        _address = options.Bind == "localhost" ? IPAddress.Loopback : IPAddress.Parse(options.Bind);
        Directory = Path.GetFullPath(options.DataDirectory);
        Port = options.Port;
    }

    /// <summary>The port clients connect to; where 0 was asked for, the one that was taken, known once <see cref="StartAsync"/> is done.</summary>
    public int Port { get; private set; }

    /// <summary>The absolute path of the data directory.</summary>
    public string Directory { get; }

    /// <summary>What StackExchange.Redis needs to connect from this machine; known once <see cref="StartAsync"/> is done.</summary>
    public string ConnectionString
    {
        get
        {
            var host = _address.Equals(IPAddress.Any) ? IPAddress.Loopback : _address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : _address;
            return string.IsNullOrEmpty(_options.Password) ? $"{new IPEndPoint(host, Port)}" : $"{new IPEndPoint(host, Port)},password={_options.Password}";
        }
    }

    /// <summary>Claims the directory, reads checkpoint and log back, and listens. When it returns, clients are answered.</summary>
    /// <exception cref="GarnetStoreException">Directory or port are taken, or what stands in the directory cannot be read.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_server is not null)
                throw new InvalidOperationException("The store was started already.");

            _claim = DirectoryClaim.Take(Directory);
            try
            {
                _server = await Task.Run(() => OpenAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                _claim.Dispose();
                _claim = null;
                throw;
            }
            LogStarted(_address, Port, Directory);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Stops listening, closes the log and gives the directory back. Further calls do nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_disposed)
                return;
            _disposed = true;
            // Garnet's own Dispose corrupts its state when it runs twice and blocks while connections drain.
            if (_server is { } server)
                await Task.Run(server.Dispose).ConfigureAwait(false);
            _server = null;
            _claim?.Dispose();
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<RecoveredServer> OpenAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await OpenOnAsync(_options.Port == 0 ? TcpPorts.Free(_address) : _options.Port, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                if (_options.Port != 0)
                    throw new GarnetStoreException($"Port {_options.Port} on {_address} is in use by another program; choose another one with {GarnetStoreOptions.Section}:Port.", e);
                if (attempt == PortAttempts)
                    throw new GarnetStoreException($"No free port was found on {_address} in {PortAttempts} attempts.", e);
            }
            catch (SocketException e)
            {
                throw new GarnetStoreException($"Port {_options.Port} on {_address} cannot be listened on: {e.Message}.", e);
            }
        }
    }

    private async Task<RecoveredServer> OpenOnAsync(int port, CancellationToken cancellationToken)
    {
        TcpPorts.EnsureFree(_address, port);
        RecoveredServer? server = null;
        try
        {
            server = await RecoverAsync(port, cancellationToken).ConfigureAwait(false);
            server.Open();
            if (TcpPorts.CountListeners(new IPEndPoint(_address, port)) > 1)
                throw new SocketException((int)SocketError.AddressAlreadyInUse);
            Port = port;
            return server;
        }
        catch (Exception e)
        {
            server?.Dispose();
            if (e is SocketException or OperationCanceledException)
                throw;
            // Garnet wraps what its listener met: somebody has taken the port since it was found to be free.
            if (e.GetBaseException() is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
                throw new SocketException((int)SocketError.AddressAlreadyInUse);
            throw new GarnetStoreException($"The store in {Directory} cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Reads the log back, and copies the store into a new one where the log has grown or must not be written on any more.</summary>
    private async Task<RecoveredServer> RecoverAsync(int port, CancellationToken cancellationToken)
    {
        var logs = new LogDirectories(Directory);
        if (logs.Current == 0)
            logs.Complete(1, 0);
        var current = logs.Current;
        logs.RemoveAllBut(current);

        var server = RecoveredServer.Recover(ServerOptions(port, logs.PathOf(current)), _garnetLogs);
        RecoveredServer? copy = null;
        try
        {
            if (server.LogSize <= Math.Max(_options.LogSizeLimit, 2 * logs.InitialSize(current)) && !server.HasHalfTransaction())
                return server;
            copy = RecoveredServer.Recover(ServerOptions(port, logs.PathOf(current + 1)), _garnetLogs);
            await StoreCopy.CopyAsync(server, copy, _options.Password, cancellationToken).ConfigureAwait(false);
            logs.Complete(current + 1, copy.LogSize);
            LogRewritten(server.LogSize, copy.LogSize);
        }
        catch
        {
            copy?.Dispose();
            server.Dispose();
            throw;
        }
        server.Dispose();
        logs.RemoveAllBut(current + 1);
        return copy;
    }

    private GarnetServerOptions ServerOptions(int port, string directory) => new(_garnetLogs.CreateLogger("Options"))
    {
        EndPoints = [new IPEndPoint(_address, port)],
        AuthSettings = string.IsNullOrEmpty(_options.Password) ? new NoAuthSettings() : new PasswordAuthenticationSettings(_options.Password),
        QuietMode = true,
        MaxDatabases = 1,
        CheckpointDir = directory,

        // The log is written, not only queued, before a client is answered. CommitFrequencyMs above 0 makes every write wait for the next tick.
        EnableAOF = true,
        CommitFrequencyMs = 0,
        WaitForCommit = true,
        Recover = true,
        // Garnet's default is to log what it could not read and to go on with an empty store.
        FailOnRecoveryError = true,

        DeviceType = DeviceType.RandomAccess,
        DeviceFactoryCreator = new LogDevices(_garnetLogs.CreateLogger("Device")),

        // Everything stays in memory and in the log. No checkpoints, which would cut the log back, and no tier on disk: both serialise
        // objects, and measured with Garnet 2.2.8 the checkpoint of a hash of 900 000 fields could be read back once and crashed the
        // process the next time. The bound on memory is one that is never reached, because reaching it would mean to forget.
        LogMemorySize = "64g",
        PageSize = "1m",
        IndexMemorySize = "16m",
        AofPageSize = "4m",
        AofMemorySize = "16m",
        AofSegmentSize = "64m",
        ObjectScanCountLimit = StoreCopy.Page,
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded store listens on {Address}:{Port} and keeps its data in {Directory}.")]
    private partial void LogStarted(IPAddress address, int port, string directory);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded store's log was written anew: {Before} bytes before, {After} bytes now.")]
    private partial void LogRewritten(long before, long after);
}
