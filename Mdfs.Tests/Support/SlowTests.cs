using System.Collections.Concurrent;
using System.Reflection;
using Mdfs.Tests.Support;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestFramework(typeof(SlowTestsFramework))]

namespace Mdfs.Tests.Support;

/// <summary>
/// Names what takes long while it still takes: in the file that <c>MDFS_SLOW_TESTS</c> names, or on standard error. <c>dotnet test</c> tells of a test when it has ended and passes on neither what tests
/// write nor what xunit says of long ones, so that a run which hangs would say nothing at all.
/// </summary>
internal sealed class SlowTests : IMessageSink, IDisposable
{
    private static readonly TimeSpan _long = TimeSpan.FromMinutes(2);

    private readonly IMessageSink _next;
    private readonly ConcurrentDictionary<string, string> _classes = new();
    private readonly ConcurrentDictionary<string, (string What, long Since)> _running = new();
    private readonly Timer _look;

    public SlowTests(IMessageSink next)
    {
        _next = next;
        _look = new Timer(_ => Look(), null, _long, _long);
    }

    public bool OnMessage(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestClassStarting { TestClassUniqueID: { } testClass } begun:
                _classes[testClass] = begun.TestClassName;
                BetweenTests(testClass);
                break;
            case ITestStarting begun:
                _running.TryRemove(begun.TestClassUniqueID ?? "", out _);
                Begin(begun.TestUniqueID, begun.TestDisplayName);
                break;
            case ITestFinished ended:
                _running.TryRemove(ended.TestUniqueID, out _);
                BetweenTests(ended.TestClassUniqueID);
                break;
            case ITestClassFinished ended:
                _running.TryRemove(ended.TestClassUniqueID ?? "", out _);
                break;
        }

        return _next.OnMessage(message);
    }

    public void Dispose() => _look.Dispose();

    /// <summary>A cluster that tests share may hang as well, when it starts or ends.</summary>
    private void BetweenTests(string? testClass)
    {
        if (testClass is not null) Begin(testClass, $"what the tests of {_classes.GetValueOrDefault(testClass)} share");
    }

    private void Begin(string id, string what) => _running[id] = (what, TimeProvider.System.GetTimestamp());

    private void Look()
    {
        var lines = _running.Values.Select(static one => (one.What, For: TimeProvider.System.GetElapsedTime(one.Since))).Where(static one => one.For >= _long)
            .Select(static one => $"Still running after {one.For.TotalSeconds:0} s: {one.What}\n");
        var text = string.Concat(lines);
        if (Environment.GetEnvironmentVariable("MDFS_SLOW_TESTS") is { Length: > 0 } file) File.AppendAllText(file, text);
        else Console.Error.Write(text);
    }
}

/// <summary>The usual one, with <see cref="SlowTests"/> listening.</summary>
public sealed class SlowTestsFramework(string? configFileName) : XunitTestFramework(configFileName)
{
    protected override ITestFrameworkExecutor CreateExecutor(Assembly assembly) => new Executor(base.CreateExecutor(assembly));

    private sealed class Executor(ITestFrameworkExecutor usual) : ITestFrameworkExecutor, IAsyncDisposable
    {
        public async ValueTask RunTestCases(
            IReadOnlyCollection<ITestCase> testCases, IMessageSink executionMessageSink, ITestFrameworkExecutionOptions executionOptions, CancellationToken? cancellationToken)
        {
            using var sink = new SlowTests(executionMessageSink);
            await usual.RunTestCases(testCases, sink, executionOptions, cancellationToken);
        }

        public ValueTask DisposeAsync() => usual is IAsyncDisposable disposable ? disposable.DisposeAsync() : ValueTask.CompletedTask;
    }
}
