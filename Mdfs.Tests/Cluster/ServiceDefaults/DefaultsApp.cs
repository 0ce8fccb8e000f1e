using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Cluster.ServiceDefaults;

/// <summary>A service made of nothing but the defaults, on real Kestrel and a free loopback port, with everything it logs kept.</summary>
internal sealed class DefaultsApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private DefaultsApp(WebApplication app, CollectedLogs logs)
    {
        _app = app;
        Logs = logs;
        Address = new Uri(app.Urls.First());
        Client = new HttpClient { BaseAddress = Address };
    }

    public const string AdminKey = "correct-horse-battery";
    public const string ReaderKey = "reader-of-all-movies";
    public const string ClusterKey = "the-secret-of-this-cluster";

    public CollectedLogs Logs { get; }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<DefaultsApp> StartAsync(
        Action<WebApplication> map, Dictionary<string, string?>? settings = null, Action<IServiceCollection>? services = null,
        string environment = "Production", string serviceName = "mdfs-test", string? instance = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Logging:Console:LogLevel:Default"] = "None",
            ["urls"] = "http://127.0.0.1:0",
            ["Mdfs:AdminKey"] = AdminKey,
            ["Mdfs:ClusterKey"] = ClusterKey,
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        var logs = new CollectedLogs();
        builder.Logging.AddProvider(logs);
        builder.AddMdfsServiceDefaults(serviceName, instance);
        services?.Invoke(builder.Services);
        var app = builder.Build();
        try
        {
            app.UseMdfsServiceDefaults();
            map(app);
            await app.StartAsync(TestContext.Current.CancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new DefaultsApp(app, logs);
    }

    public Task<HttpResponseMessage> GetAsync(string target, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, target, headers);

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string target, params (string Name, string Value)[] headers) => SendAsync(Client, method, target, headers);

    public static Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string target, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, target);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>A client whose connections come from another loopback address.</summary>
    public HttpClient ClientFrom(string address) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = Address };

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }
}

/// <summary>Keeps whatever is logged, message, state and exception, whole.</summary>
internal sealed class CollectedLogs : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<string> _lines = [];
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private sealed class Logger(CollectedLogs logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => logs._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var values = state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : "";
            logs._lines.Enqueue($"{logLevel} {category}: {formatter(state, exception)} | {values} | {exception}");
        }
    }
}
