using System.Globalization;

namespace Mdfs.Tests.Support;

/// <summary>One program of a <see cref="ProcessCluster"/>: it can be killed and started again, with the same settings, port and data, and its log goes on.</summary>
public sealed class ProcessNode : IAsyncDisposable
{
    private readonly Func<ServiceProcess> _start;
    private readonly List<string> _logs = [];
    private ServiceProcess? _process;

    internal ProcessNode(string name, int port, Func<ServiceProcess> start)
    {
        Name = name;
        Port = port;
        _start = start;
    }

    public string Name { get; }

    public int Port { get; }

    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/"));

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>What it has said, over all its lives.</summary>
    public string Output => string.Join("\n-- next life --\n", [.. _logs, .. _process is null ? Array.Empty<string>() : [_process.Output]]);

    public int Id => Process.Id;

    private ServiceProcess Process => _process ?? throw new InvalidOperationException($"{Name} does not run.");

    public async Task StartAsync()
    {
        if (IsRunning)
            throw new InvalidOperationException($"{Name} runs already.");
        await PutAwayAsync();
        _process = _start();
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => Process.KillAsync();

    /// <summary>SIGTERM; its exit code.</summary>
    public Task<int> StopAsync(CancellationToken cancellationToken) => Process.StopAsync(cancellationToken);

    /// <summary>The exit code, once it ends by itself.</summary>
    public Task<int> WaitForExitAsync(CancellationToken cancellationToken) => Process.WaitForExitAsync(cancellationToken);

    /// <summary>SIGSTOP: it stays, with its connections, and does nothing.</summary>
    public void Freeze() => Process.Freeze();

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Process.Thaw();

    /// <summary>Physical memory of the process in bytes, as Linux counts it.</summary>
    public long ResidentBytes => Status("VmRSS:");

    /// <summary>The most that <see cref="ResidentBytes"/> ever was, or was since <see cref="ForgetPeak"/>.</summary>
    public long PeakResidentBytes => Status("VmHWM:");

    /// <summary>Bytes that it has caused to be written to disks.</summary>
    public long WrittenBytes => Number("io", "write_bytes:");

    public void ForgetPeak() => File.WriteAllText($"/proc/{Id}/clear_refs", "5");

    public async ValueTask DisposeAsync() => await PutAwayAsync();

    private async Task PutAwayAsync()
    {
        if (_process is not { } old)
            return;
        _process = null;
        await old.DisposeAsync();
        _logs.Add(old.Output);
    }

    private long Status(string field) => 1024 * Number("status", field);

    private long Number(string file, string field)
    {
        var line = File.ReadLines($"/proc/{Id}/{file}").First(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
