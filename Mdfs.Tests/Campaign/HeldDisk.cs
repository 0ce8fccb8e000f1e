using System.Diagnostics;
using System.Globalization;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>A small disk that outlives the process that uses it: a tmpfs in a user and mount namespace, held by a process of its own. Linux, where users may make namespaces.</summary>
public sealed class HeldDisk : IDisposable
{
    private readonly Process _holder;
    private readonly string _nsenter;

    private HeldDisk(Process holder, string nsenter, string path)
    {
        (_holder, _nsenter) = (holder, nsenter);
        Seen = string.Create(CultureInfo.InvariantCulture, $"/proc/{holder.Id}/root{path}");
    }

    /// <summary>Where we see what lies on it; for those inside it is the path that it was made for.</summary>
    public string Seen { get; }

    /// <param name="path">An empty directory; from outside it stays empty.</param>
    /// <returns>Null where such a disk cannot be had.</returns>
    public static async Task<HeldDisk?> TryMakeAsync(string path, int megabytes, CancellationToken cancellationToken)
    {
        if (!Tools.TryFind("unshare", out var unshare) || !Tools.TryFind("nsenter", out var nsenter)) return null;
        Directory.CreateDirectory(path);
        var size = megabytes.ToString(CultureInfo.InvariantCulture);
        // It ends when its input does, and that is when we do.
        var holder = Process.Start(new ProcessStartInfo(unshare, ["-rm", "sh", "-c", "mount -t tmpfs -o size=\"$1\"m none \"$2\" && echo held && exec cat", "sh", size, path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        if (await holder.StandardOutput.ReadLineAsync(cancellationToken) == "held") return new HeldDisk(holder, nsenter, path);
        holder.Dispose();
        return null;
    }

    /// <summary>A program and its arguments as one that sees the disk.</summary>
    public (string Program, IReadOnlyList<string> Arguments) Inside(string program, IEnumerable<string> arguments) =>
        (_nsenter, ["--preserve-credentials", "-U", "-m", "-t", _holder.Id.ToString(CultureInfo.InvariantCulture), "--", program, .. arguments]);

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var ballast = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[256 << 10];
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
    }

    /// <summary>And gives it back.</summary>
    public void Empty() => File.Delete(Ballast);

    public void Dispose()
    {
        _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
    }

    private string Ballast => Path.Combine(Seen, "ballast");
}
