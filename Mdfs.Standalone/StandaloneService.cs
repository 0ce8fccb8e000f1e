using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Mdfs.Standalone;

/// <summary>
/// One service of a cluster as a web application of its own. It is built anew at each start, as after a restart of its process, and listens
/// where it listened before.
/// </summary>
public sealed class StandaloneService : IAsyncDisposable
{
    private readonly Func<ListenAddress, WebApplication> _build;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly TaskCompletionSource _endedItself = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ListenAddress _listen;
    private WebApplication? _app;
    private Task<WebApplication>? _prepared;
    private bool _stopping;

    internal StandaloneService(string name, ListenAddress listen, Func<ListenAddress, WebApplication> build)
    {
        Name = name;
        _listen = listen;
        _build = build;
    }

    public string Name { get; }

    public bool IsRunning => _app is not null;

    /// <summary>Where the other services, and clients on this machine, reach it; its port is known once it has started.</summary>
    public Uri Address => _listen.Dial;

    /// <summary>Its parts, while it runs.</summary>
    /// <exception cref="InvalidOperationException">It does not run.</exception>
    public IServiceProvider Services => _app?.Services ?? throw new InvalidOperationException($"{Name} does not run.");

    /// <summary>What a person on this machine types.</summary>
    internal Uri Browse => _listen.Browse;

    /// <summary>Ends when the service decides by itself to stop, which a master does that was replaced.</summary>
    internal Task EndedItself => _endedItself.Task;

    /// <summary>Builds it on another thread, for the next start to take. Only where all that it is built from is known already.</summary>
    internal void Prepare() => _prepared ??= Task.Run(() => _build(_listen));

    /// <summary>Builds it and returns when it answers. Does nothing when it runs.</summary>
    /// <exception cref="StandaloneException">Its port is taken.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_app is not null)
                return;
            var prepared = _prepared;
            _prepared = null;
            var app = prepared is null ? _build(_listen) : await prepared;
            try
            {
                await app.StartAsync(cancellationToken);
                _listen = _listen with { Port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port };
            }
            catch (IOException e) when (e.InnerException is AddressInUseException)
            {
                await app.DisposeAsync();
                throw _listen.Taken(e);
            }
            catch
            {
                await app.DisposeAsync();
                throw;
            }
            _stopping = false;
            _app = app;
            app.Lifetime.ApplicationStopping.Register(OnStopping);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Lets requests in flight end for some seconds, then stops. Does nothing when it does not run.</summary>
    /// <param name="atOnce">Requests in flight are cut off instead.</param>
    public async Task StopAsync(bool atOnce = false)
    {
        await _gate.WaitAsync();
        try
        {
            await DropPreparedAsync();
            if (_app is not { } app)
                return;
            _stopping = true;
            _app = null;
            try
            {
                await app.StopAsync(new CancellationToken(atOnce));
            }
            catch (OperationCanceledException) when (atOnce)
            {
                // As asked for.
            }
            await app.DisposeAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _gate.Dispose();
    }

    private async Task DropPreparedAsync()
    {
        if (_prepared is not { } prepared)
            return;
        _prepared = null;
        // That it could not be built is told by a start.
        await ((Task)prepared).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (prepared.IsCompletedSuccessfully)
            await (await prepared).DisposeAsync();
    }

    private void OnStopping()
    {
        if (!_stopping)
            _endedItself.TrySetResult();
    }
}
