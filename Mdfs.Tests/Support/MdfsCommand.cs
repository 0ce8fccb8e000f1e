using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Mdfs.Tests.Support;

/// <summary>How a run of <c>mdfs</c> ended.</summary>
public sealed record MdfsResult(int ExitCode, string Out, string Error)
{
    /// <summary>What it printed with <c>--json</c>: one value per line.</summary>
    public IReadOnlyList<JsonElement> Json => [.. Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];

    public MdfsResult AssertEnded(int exitCode)
    {
        Assert.True(exitCode == ExitCode, $"Ended with {ExitCode}, not {exitCode}.\n{Out}\n{Error}");
        return this;
    }
}

/// <summary>The command line program as people run it: the built executable, in a process of its own, with a home and a key of its own.</summary>
public sealed class MdfsCommand(string home, Uri? url, string? key) : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private readonly List<Process> _running = [];

    public string Home => home;

    public Task<MdfsResult> RunAsync(params string[] arguments) => RunAsync("", arguments);

    public async Task<MdfsResult> RunAsync(string input, string[] arguments) => await EndAsync(Start(arguments), input);

    /// <summary>For tests that kill it; <see cref="EndAsync"/> waits for its end.</summary>
    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Executables.Find("Mdfs.Cli"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = home,
        };
        start.Environment["DOTNET_ROOT"] = Executables.DotnetRoot;
        start.Environment["XDG_CONFIG_HOME"] = Path.Combine(home, "config");
        foreach (var variable in (string[])["MDFS_URL", "MDFS_KEY", "http_proxy", "HTTP_PROXY"])
            start.Environment.Remove(variable);
        if (url is not null) start.Environment["MDFS_URL"] = url.ToString();
        if (key is not null) start.Environment["MDFS_KEY"] = key;
        var process = Process.Start(start)!;
        _running.Add(process);
        return process;
    }

    public static async Task<MdfsResult> EndAsync(Process process, string input = "")
    {
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(_patience);
        return new MdfsResult(process.ExitCode, await output, await error);
    }

    public void Dispose()
    {
        foreach (var process in _running)
        {
            if (!process.HasExited) process.Kill();
            process.Dispose();
        }
    }
}
