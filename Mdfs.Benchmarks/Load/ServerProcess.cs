using System.Diagnostics;
using System.Globalization;

namespace Mdfs.Benchmarks.Load;

/// <summary>A server under load, and what the system says of it; with the processes that it has started, as nginx does.</summary>
internal sealed class ServerProcess : IDisposable
{
    // A hundred ticks a second, on every Linux.
    private const double TicksPerSecond = 100;

    private readonly Process _process;

    private readonly EventHandler _onExit;

    private ServerProcess(string name, Process process)
    {
        (Name, _process) = (name, process);
        _onExit = (_, _) => Kill();
    }

    public string Name { get; }

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
        // Read and thrown away: a full pipe would stop it.
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new ServerProcess(name, process);
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

    private static double CpuOf(int id)
    {
        // The name in parentheses may hold anything; behind it stand the state and the numbers.
        var text = File.ReadAllText($"/proc/{id}/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static long Status(int id, string field) => 1024 * Field($"/proc/{id}/status", field);

    /// <summary>The number behind a name in one of the system's files; its unit, if it says one, is kibibytes.</summary>
    internal static long Field(string file, string field) =>
        long.Parse(File.ReadLines(file).First(line => line.StartsWith(field, StringComparison.Ordinal))[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
}
