using Microsoft.Extensions.Logging;

namespace Mdfs.Garnet;

/// <summary>
/// Garnet's messages in our log: below the category <c>Garnet</c>, its information, which is internals to our operators, as debug, and
/// without the errors it reports when its background tasks are cancelled at shutdown.
/// </summary>
internal sealed class GarnetLogs(ILoggerFactory inner) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new Demoting(inner.CreateLogger($"Garnet.{categoryName}"));

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    /// <summary>Leaves the inner factory alone: it belongs to the host.</summary>
    public void Dispose()
    {
    }

    private sealed class Demoting(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(Level(logLevel));

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not OperationCanceledException)
                inner.Log(Level(logLevel), eventId, state, exception, formatter);
        }

        private static LogLevel Level(LogLevel level) => level == LogLevel.Information ? LogLevel.Debug : level;
    }
}
