using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Mdfs.Benchmarks.Load;

/// <summary>A server under load, and what the system says of it; with the processes that it has started, as nginx does.</summary>
internal sealed partial class ServerProcess : IDisposable
{
    private const int LinesKept = 40;

    private readonly ConcurrentQueue<string> _said = new();

    private readonly Process _process;

    private readonly EventHandler _onExit;

    private ServerProcess(string name, Process process)
    {
        (Name, _process) = (name, process);
        _onExit = (_, _) => Kill();
    }

    public string Name { get; }

    /// <summary>The end of what it has written.</summary>
    public string LastWords => string.Join('\n', _said);

    /// <summary>Seconds of processor time so far.</summary>
    public double CpuSeconds => Family().Sum(CpuOf);

    /// <summary>Bytes of physical memory.</summary>
    public long ResidentBytes => Family().Sum(id => Status(id, "VmRSS:"));

    /// <summary>The most that <see cref="ResidentBytes"/> was since <see cref="ForgetPeak"/>.</summary>
    public long PeakResidentBytes => Family().Sum(id => Status(id, "VmHWM:"));

    /// <summary>Bytes that it has read from files, out of the page cache as well.</summary>
    public long ReadBytes => Family().Sum(id => Field($"/proc/{id}/io", "rchar:"));

    public static ServerProcess Start(string name, string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = new Process { StartInfo = start };
        var server = new ServerProcess(name, process);
        // Always read: a full pipe would stop it.
        process.OutputDataReceived += (_, line) => server.Keep(line.Data);
        process.ErrorDataReceived += (_, line) => server.Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        // A driver that is told to stop leaves nobody behind.
        AppDomain.CurrentDomain.ProcessExit += server._onExit;
        return server;
    }

    public void ForgetPeak()
    {
        foreach (var id in Family()) File.WriteAllText($"/proc/{id}/clear_refs", "5");
    }

    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL, and waits until it is gone.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= _onExit;
        Kill();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        _said.Enqueue(line);
        while (_said.Count > LinesKept) _said.TryDequeue(out _);
    }

    private List<int> Family()
    {
        var family = new List<int> { _process.Id };
        for (var i = 0; i < family.Count; i++)
        {
            var children = $"/proc/{family[i]}/task/{family[i]}/children";
            if (File.Exists(children)) family.AddRange(File.ReadAllText(children).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture)));
        }

        return family;
    }

    // The process' own clock, in nanoseconds: /proc/<id>/stat tells hundredths of a second, a twentieth of what a short measurement of nginx takes.
    private static double CpuOf(int id)
    {
        if (clock_getcpuclockid(id, out var clock) != 0 || clock_gettime(clock, out var time) != 0) throw new InvalidOperationException($"The processor time of process {id} cannot be had.");
        return time.Seconds + (time.Nanoseconds / 1e9);
    }

    private static long Status(int id, string field) => 1024 * Field($"/proc/{id}/status", field);

    /// <summary>The number behind a name in one of the system's files; its unit, if it says one, is kibibytes.</summary>
    internal static long Field(string file, string field) =>
        long.Parse(File.ReadLines(file).First(line => line.StartsWith(field, StringComparison.Ordinal))[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);

    [LibraryImport("libc")]
    private static partial int clock_getcpuclockid(int process, out int clock);

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
