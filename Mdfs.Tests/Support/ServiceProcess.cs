using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Mdfs.Tests.Support;

/// <summary>
/// A program of this solution as a process of its own, so that it can be killed, frozen and restarted like in real life. It gets its
/// settings as arguments and nothing of the environment that the test runner may carry for ASP.NET Core.
/// </summary>
public sealed partial class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Of a machine that has no time for it: whoever fails to end does so for ever.
    private static readonly TimeSpan ExitPatience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServiceProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Standard output and standard error so far, line by line.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts <paramref name="project"/>'s executable with each setting as <c>--key=value</c>.</summary>
    /// <param name="environment">Variables to set besides, for what only the environment can say.</param>
    public static ServiceProcess Start(string project, IEnumerable<KeyValuePair<string, string>> settings, IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        var start = new ProcessStartInfo(Executables.Find(project), settings.Select(setting => $"--{setting.Key}={setting.Value}"));
        foreach (var name in start.Environment.Keys.Where(IsHostSetting).ToArray())
            start.Environment.Remove(name);
        start.Environment["DOTNET_ROOT"] = Executables.DotnetRoot;
        foreach (var (name, value) in environment ?? [])
            start.Environment[name] = value;
        return Run(start);
    }

    /// <summary>Starts any other program, such as one found by <see cref="Tools"/>.</summary>
    public static ServiceProcess Run(string executable, IEnumerable<string> arguments) => Run(new ProcessStartInfo(executable, arguments));

    private static ServiceProcess Run(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError, start.UseShellExecute) = (true, true, false);
        var service = new ServiceProcess(new Process { StartInfo = start, EnableRaisingEvents = true });
        service._process.OutputDataReceived += (_, line) => service.Append(line.Data);
        service._process.ErrorDataReceived += (_, line) => service.Append(line.Data);
        service._process.Exited += (_, _) => service.Signal();
        service._process.Start();
        service._process.BeginOutputReadLine();
        service._process.BeginErrorReadLine();
        return service;
    }

    /// <summary>Waits until the output holds a match, at most half a minute; fails with the whole output when the process ends before.</summary>
    public async Task<Match> WaitForOutputAsync(Regex pattern, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var changed = Volatile.Read(ref _changed).Task;
            var ended = HasExited;
            if (ended)
                await _process.WaitForExitAsync(patience.Token); // and for the last of its output
            if (pattern.Match(Output) is { Success: true } match)
                return match;
            if (ended)
                Assert.Fail($"The process ended with {_process.ExitCode} before it said /{pattern}/:\n{Output}");
            try
            {
                await changed.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                Assert.Fail($"The process did not say /{pattern}/ within {Patience.TotalSeconds} s:\n{Output}");
            }
        }
    }

    /// <summary>Does what it was started for; should that fail, the process is not left behind.</summary>
    public async Task<T> OrEndAsync<T>(Func<Task<T>> opening)
    {
        try
        {
            return await opening();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL: the process gets no chance to write, answer or close anything. Returns when it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>Asks the process to stop (SIGTERM) and returns its exit code; fails when it is not gone after two.</summary>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        Send(Signals.Terminate);
        return await WaitForExitAsync(cancellationToken);
    }

    /// <summary>The exit code, once the process ends by itself; fails after two minutes, or as many as it may take.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken, TimeSpan? within = null)
    {
        var most = within ?? ExitPatience;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(most);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Assert.Fail($"The process did not end within {most.TotalSeconds} s:\n{Output}");
        }
        return _process.ExitCode;
    }

    /// <summary>SIGSTOP: the process stays, with its connections, and does nothing until <see cref="Thaw"/>.</summary>
    public void Freeze()
    {
        Send(Signals.Stop);
        // The signal is sent, not obeyed, when the call returns: on a busy machine a thread may answer once more before it stops.
        if (!SpinWait.SpinUntil(IsStopped, TimeSpan.FromSeconds(30)))
            throw new InvalidOperationException($"Process {_process.Id} was told to stop and did not.");
    }

    private bool IsStopped() =>
        Directory.EnumerateDirectories($"/proc/{_process.Id}/task").All(static thread =>
            File.ReadLines(Path.Combine(thread, "status")).Any(static line => line.StartsWith("State:\tT", StringComparison.Ordinal)));

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Send(Signals.Continue);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // With whatever it has started: nobody else knows of it.
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static bool IsHostSetting(string name) =>
        name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase) || name.StartsWith("DOTNET_ENVIRONMENT", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase) || name.StartsWith("Mdfs__", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("ConnectionStrings__", StringComparison.OrdinalIgnoreCase) || name.StartsWith("services__", StringComparison.OrdinalIgnoreCase);

    private void Append(string? line)
    {
        if (line is null)
            return;
        lock (_output)
            _output.AppendLine(line);
        Signal();
    }

    private void Signal() =>
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    private void Send(int signal)
    {
        if (kill(_process.Id, signal) != 0)
            throw new InvalidOperationException($"Signal {signal} could not be sent to process {_process.Id}: error {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    /// <summary>Numbers as on Linux, except that macOS numbers stop and continue differently.</summary>
    private static class Signals
    {
        public const int Terminate = 15;
        public static readonly int Stop = OperatingSystem.IsMacOS() ? 17 : 19;
        public static readonly int Continue = OperatingSystem.IsMacOS() ? 19 : 18;
    }
}
