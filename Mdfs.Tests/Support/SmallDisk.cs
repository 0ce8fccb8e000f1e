using System.Diagnostics;
using System.Globalization;

namespace Mdfs.Tests.Support;

/// <summary>A disk of a few MiB for one worker: a tmpfs in a mount namespace of the worker's own, which ends with it. Linux, where users may make namespaces.</summary>
public sealed class SmallDisk : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly string _unshare;
    private readonly int _megabytes;
    private string? _seen;
    private int _process;

    private SmallDisk(string unshare, int megabytes)
    {
        _unshare = unshare;
        _megabytes = megabytes;
    }

    /// <summary>Skips the test where such a disk cannot be had, or fails it in continuous integration.</summary>
    public static async Task<SmallDisk> TryMakeAsync(int megabytes, CancellationToken cancellationToken)
    {
        var unshare = Tools.Require("unshare");
        using var probe = Process.Start(new ProcessStartInfo(unshare, ["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]) { RedirectStandardError = true })!;
        await probe.WaitForExitAsync(cancellationToken);
        if (probe.ExitCode != 0) Tools.Lack($"A disk of its own cannot be made here: {await probe.StandardError.ReadToEndAsync(cancellationToken)}");
        return new SmallDisk(unshare, megabytes);
    }

    /// <summary>A worker of that cluster with its data on this disk.</summary>
    public ServiceProcess StartWorker(ProcessCluster cluster)
    {
        var port = TestPorts.Next().ToString(CultureInfo.InvariantCulture);
        var size = _megabytes.ToString(CultureInfo.InvariantCulture);
        IEnumerable<KeyValuePair<string, string>> settings =
        [
            .. cluster.Settings, new("urls", $"http://127.0.0.1:{port}"), new("Mdfs:Worker:Name", "small"), new("Mdfs:Worker:DataDirectory", _directory["data"]),
            new("services:master:http:0", cluster.Master.Address.GetLeftPart(UriPartial.Authority)),
        ];
        var worker = ServiceProcess.Run(
            _unshare,
            [
                "-rm", "sh", "-c", "mount -t tmpfs -o size=\"$1\"m none \"$2\" && export DOTNET_ROOT=\"$3\" && shift 3 && exec \"$@\"", "sh", size, _directory.Path, Executables.DotnetRoot,
                Executables.Find("Mdfs.Worker"), .. settings.Select(setting => $"--{setting.Key}={setting.Value}"),
            ]);
        _process = worker.Id;
        // What the worker sees there; from here the directory looks empty.
        _seen = string.Create(CultureInfo.InvariantCulture, $"/proc/{worker.Id}/root{_directory.Path}");
        return worker;
    }

    /// <summary>Runs a command where the worker is: it sees the same mounts.</summary>
    public async Task RunAsync(string script)
    {
        using var run = Process.Start(new ProcessStartInfo(Tools.Require("nsenter"), ["-t", _process.ToString(CultureInfo.InvariantCulture), "-U", "-m", "--preserve-credentials", "sh", "-ec", script, "sh", Data, _process.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardError = true })!;
        var error = await run.StandardError.ReadToEndAsync();
        await run.WaitForExitAsync();
        Assert.True(run.ExitCode == 0, error);
    }

    /// <summary>From now on nothing can be written, as when the kernel has found errors.</summary>
    public Task MakeReadOnlyAsync() => RunAsync("mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"");

    /// <summary>The disk is not there: what is left is an empty directory.</summary>
    public Task VanishAsync() => RunAsync("mount -t tmpfs none \"$1\"");

    /// <summary>Takes back either.</summary>
    public Task MendAsync() => RunAsync("umount -l \"$1\"");

    /// <summary>Every read of that file fails, as of bad sectors: it becomes the worker's own memory, at an address where there is none.</summary>
    public Task BreakAsync(string fileName) => RunAsync($"mount --bind /proc/$2/mem \"$(find \"$1/replicas\" -name {fileName})\"");

    /// <summary>Versions of the replicas on it.</summary>
    public IEnumerable<string> Replicas() => ReplicaDirectory.Files(Path.Combine(Seen, "data")).Select(static file => Path.GetFileName(file));

    private string Data => _directory["data"];

    /// <summary>Whether that directory, mounted or not, names a node.</summary>
    public bool HasIdentity() => File.Exists(Path.Combine(Seen, "data", "node.json"));

    /// <summary>Bytes of unfinished uploads.</summary>
    public long Incoming() => new DirectoryInfo(Path.Combine(Seen, "data", "incoming")).EnumerateFiles().Sum(file => file.Exists ? file.Length : 0);

    /// <summary>Something else on the machine takes all the room that is left, but for so much.</summary>
    public void Fill(string name = "ballast", long leave = 0)
    {
        using var ballast = new FileStream(Path.Combine(Seen, name), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[64 << 10];
        Random.Shared.NextBytes(block);
        for (var size = block.Length; size > 0;)
        {
            try
            {
                ballast.Write(block.AsSpan(0, size));
            }
            catch (IOException)
            {
                size /= 2;
            }
        }

        ballast.SetLength(Math.Max(0, ballast.Length - leave));
    }

    /// <summary>And gives it back.</summary>
    public void Empty() => File.Delete(Path.Combine(Seen, "ballast"));

    public void Dispose() => _directory.Dispose();

    private string Seen => _seen ?? throw new InvalidOperationException("No worker uses this disk yet.");
}
