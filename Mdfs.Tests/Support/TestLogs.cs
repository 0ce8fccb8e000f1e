using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Support;

/// <summary>The log of all services of one cluster in this process, handed to the test's output when the cluster ends, where a failure shows it.</summary>
public sealed class TestLogs
{
    private const int Most = 4000;

    private readonly ConcurrentQueue<string> _lines = new();

    /// <summary>Everything said so far, one message a line.</summary>
    public string Text => string.Join('\n', _lines);

    public ILoggerProvider For(string service) => new Provider(this, service);

    public void Show() => TestContext.Current.TestOutputHelper?.WriteLine(Text);

    private void Add(string line)
    {
        _lines.Enqueue($"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {line}");
        while (_lines.Count > Most)
            _lines.TryDequeue(out _);
    }

    private sealed class Provider(TestLogs logs, string service) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger(logs, $"{service} {categoryName[(categoryName.LastIndexOf('.') + 1)..]}");

        public void Dispose()
        {
        }
    }

    private sealed class Logger(TestLogs logs, string prefix) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                logs.Add($"{prefix} {logLevel}: {formatter(state, exception)}{(exception is null ? "" : $"\n{exception}")}");
        }
    }
}
