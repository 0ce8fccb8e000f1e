using System.Buffers.Binary;
using System.Diagnostics;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>
/// A system around one process that loses what was not fsynced when the power fails, and whose clock jumps: <c>unkind.c</c>, compiled here and preloaded into that process. Only on Linux, and
/// where there is a C compiler.
/// </summary>
public sealed class UnkindSystem
{
    private static readonly SemaphoreSlim _compiling = new(1);

    private readonly string _library;
    private readonly string _root;
    private readonly string _limbo;
    private readonly string _journal;
    private readonly string _clock;

    /// <param name="library">As <see cref="CompileAsync"/> made it.</param>
    /// <param name="root">The directory whose unsynced writes are lost, as the process sees it.</param>
    /// <param name="limbo">An empty directory on the same file system, as the process sees it.</param>
    /// <param name="side">A directory for notes, on any file system.</param>
    public UnkindSystem(string library, string root, string limbo, string side)
    {
        Directory.CreateDirectory(side);
        (_library, _root, _limbo) = (library, root, limbo);
        (_journal, _clock) = (Path.Combine(side, "journal"), Path.Combine(side, "clock"));
        File.WriteAllBytes(_clock, new byte[8]);
    }

    public IEnumerable<KeyValuePair<string, string>> Environment =>
    [
        new("LD_PRELOAD", _library), new("UNKIND_ROOT", _root), new("UNKIND_LIMBO", _limbo), new("UNKIND_JOURNAL", _journal), new("UNKIND_CLOCK", _clock),
    ];

    /// <summary>How far the wall clock of the process is off, from now on.</summary>
    public void SetClock(TimeSpan offset)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, (long)offset.TotalMicroseconds * 1000);
        // In place: the process has this file mapped.
        using var file = new FileStream(_clock, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(bytes);
    }

    /// <summary>The process was killed, and the power was gone: its next start finds only what was fsynced.</summary>
    public void LosePower() => File.WriteAllBytes(_journal + ".lost", []);

    /// <summary>The compiled library; the calling test is skipped, or fails in continuous integration, where there is no compiler.</summary>
    public static async Task<string> CompileAsync(CancellationToken cancellationToken)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A library can be preloaded on Linux only.");
        return await TryCompileAsync(Tools.Require("gcc", "cc"), cancellationToken);
    }

    private static async Task<string> TryCompileAsync(string compiler, CancellationToken cancellationToken)
    {
        var library = Path.Combine(AppContext.BaseDirectory, "Campaign", "unkind.so");
        var source = Path.ChangeExtension(library, ".c");
        await _compiling.WaitAsync(cancellationToken);
        try
        {
            if (File.Exists(library) && File.GetLastWriteTimeUtc(library) >= File.GetLastWriteTimeUtc(source)) return library;
            var made = $"{library}.{System.Environment.ProcessId}";
            using var process = Process.Start(new ProcessStartInfo(compiler, ["-O2", "-shared", "-fPIC", "-o", made, source, "-ldl", "-lpthread"]) { RedirectStandardError = true })!;
            var trouble = await process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            Assert.True(process.ExitCode == 0, trouble);
            File.Move(made, library, overwrite: true);
            return library;
        }
        finally
        {
            _compiling.Release();
        }
    }
}
