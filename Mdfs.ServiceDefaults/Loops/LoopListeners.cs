using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>
/// Listens for the server. A connection is first watched by a loop, which answers the requests that it knows; with the first that it does not know the connection goes to the server, for good.
/// </summary>
internal sealed class LoopListeners(IOptions<SocketTransportOptions> options, IServiceProvider services, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket socket;
        try
        {
            socket = options.Value.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(error.Message, error);
        }

        socket.Listen(options.Value.Backlog);
        var connections = new SocketConnectionContextFactory(ServerOptions(options.Value), loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets"));
        // Made now, and not when the server is: what they count before the meters are heard is lost.
        return ValueTask.FromResult<IConnectionListener>(
            new Listener(socket, options.Value.NoDelay, connections, services, services.GetRequiredService<EventLoops>(), services.GetRequiredService<ILoopServer>(), loggers.CreateLogger<AcceptLoop>()));
    }

    // What the server's own listener does with them. The memory in which requests are received (LargeBlocks) can be told in no other way; without it uploads cost more, and nothing else changes.
    private static SocketConnectionFactoryOptions ServerOptions(SocketTransportOptions transport)
    {
        try
        {
            return Whole(transport);
        }
        catch (MissingMethodException)
        {
            return new SocketConnectionFactoryOptions
            {
                IOQueueCount = transport.IOQueueCount,
                WaitForDataBeforeAllocatingBuffer = transport.WaitForDataBeforeAllocatingBuffer,
                MaxReadBufferSize = transport.MaxReadBufferSize,
                MaxWriteBufferSize = transport.MaxWriteBufferSize,
                UnsafePreferInlineScheduling = transport.UnsafePreferInlineScheduling,
            };
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern SocketConnectionFactoryOptions Whole(SocketTransportOptions transport);

    private sealed class Listener : IConnectionListener
    {
        private readonly Socket _socket;
        private readonly bool _noDelay;
        private readonly SocketConnectionContextFactory _connections;
        private readonly IServiceProvider _services;
        private readonly EventLoops _loops;
        private readonly ILoopServer _server;
        private readonly LoopClients _clients;
        private readonly Channel<Socket> _forServer = Channel.CreateUnbounded<Socket>(new UnboundedChannelOptions { SingleReader = true });
        private readonly Task _accepting;
        private bool? _isInTheClear;

        public Listener(Socket socket, bool noDelay, SocketConnectionContextFactory connections, IServiceProvider services, EventLoops loops, ILoopServer server, ILogger<AcceptLoop> logger)
        {
            (_socket, _noDelay, _connections, _services, _loops, _server) = (socket, noDelay, connections, services, loops, server);
            EndPoint = socket.LocalEndPoint!;
            _clients = new LoopClients(HandOver);
            _accepting = AcceptAllAsync(logger);
        }

        public EndPoint EndPoint { get; }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await _forServer.Reader.WaitToReadAsync(cancellationToken))
            {
                if (!_forServer.Reader.TryRead(out var socket)) continue;
                try
                {
                    return _connections.Create(socket);
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException)
                {
                    // Gone before the server had it.
                    socket.Dispose();
                }
            }

            return null;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _socket.Dispose();
            await _accepting;
            // A movie in mid-stream goes on from the player's side when the service gives up waiting.
            await _loops.DrainAsync(_clients, cancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await UnbindAsync();
            while (_forServer.Reader.TryRead(out var socket)) socket.Dispose();
            _connections.Dispose();
        }

        private async Task AcceptAllAsync(ILogger<AcceptLoop> logger)
        {
            await new AcceptLoop(() => new ValueTask<Socket>(_socket.AcceptAsync()), Take, TimeProvider.System, logger).RunAsync();
            _forServer.Writer.TryComplete();
        }

        private void Take(Socket socket)
        {
            socket.NoDelay = _noDelay;
            _isInTheClear ??= IsInTheClear();
            if (_isInTheClear != true || !_loops.TryServe(socket, _server, _clients)) HandOver(socket);
        }

        // What a port speaks is between the server and whoever configured it, and known once all has started. Until then, and where it is TLS, everything is the server's: a loop would answer in the clear.
        private bool? IsInTheClear()
        {
            if (!_services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested) return null;
            var ours = _services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses
                .Select(BindingAddress.Parse).Where(address => address.Port == ((IPEndPoint)EndPoint).Port).ToList();
            return ours is not { Count: > 0 } ? null : ours.TrueForAll(static address => address.Scheme == Uri.UriSchemeHttp);
        }

        private void HandOver(Socket socket)
        {
            if (!_forServer.Writer.TryWrite(socket)) socket.Dispose();
        }
    }
}
