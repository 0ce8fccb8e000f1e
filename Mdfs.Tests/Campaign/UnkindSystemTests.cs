using System.Diagnostics;
using System.Globalization;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>That the system which the campaign's processes live in does what it is for: else a worker that never fsyncs would pass.</summary>
public sealed class UnkindSystemTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    [Fact]
    public async Task What_was_not_fsynced_is_lost_with_the_power_and_what_was_is_not()
    {
        var system = await MakeAsync();
        // fsynced: bytes, and the directory that holds the name.
        await RunAsync(system, "dd if=/dev/zero of=$D/kept bs=1000 count=3 conv=fsync status=none && sync $D");
        await RunAsync(system, "dd if=/dev/zero of=$D/appended bs=1000 count=3 conv=fsync status=none && sync $D");
        LosePowerAfter(system, "dd if=/dev/zero of=$D/appended bs=1000 count=2 oflag=append conv=notrunc status=none; printf xyz | dd of=$D/kept bs=1 seek=5 conv=notrunc status=none");
        await RunAsync(system, "/bin/true");
        Assert.Equal(3000, new FileInfo(Path("appended")).Length);
        Assert.Equal(new byte[3000], await File.ReadAllBytesAsync(Path("kept"), Cancelled));

        // By a second handle, which was opened by the number of the first.
        LosePowerAfter(system, "sh -c 'exec 5<>$D/kept; exec 6<>/proc/self/fd/5; printf xyz >&6'");
        Assert.Equal("xyz"u8.ToArray(), (await File.ReadAllBytesAsync(Path("kept"), Cancelled))[..3]);
        await RunAsync(system, "/bin/true");
        Assert.Equal(new byte[3000], await File.ReadAllBytesAsync(Path("kept"), Cancelled));

        // Bytes fsynced, the name not.
        LosePowerAfter(system, "dd if=/dev/zero of=$D/nameless bs=1000 count=3 conv=fsync status=none");
        await RunAsync(system, "/bin/true");
        Assert.False(File.Exists(Path("nameless")));

        // The name, and not the bytes.
        LosePowerAfter(system, "dd if=/dev/zero of=$D/hollow bs=1000 count=3 status=none && sync $D");
        await RunAsync(system, "/bin/true");
        Assert.Equal(0, new FileInfo(Path("hollow")).Length);

        // Neither a removal nor a renaming is durable by itself.
        LosePowerAfter(system, "rm $D/kept; mv $D/appended $D/renamed");
        await RunAsync(system, "/bin/true");
        Assert.Equal(["appended", "hollow", "kept"], Names());

        // All of it is, without a power cut; and with one, when the directory was synced.
        await RunAsync(system, "rm $D/kept");
        await RunAsync(system, "/bin/true");
        LosePowerAfter(system, "mv $D/appended $D/renamed && sync $D");
        await RunAsync(system, "/bin/true");
        Assert.Equal(["hollow", "renamed"], Names());

        // From one directory to another, either will do: file systems do not split a renaming.
        Directory.CreateDirectory(Path("below"));
        LosePowerAfter(system, "mv $D/renamed $D/below/moved && sync $D");
        await RunAsync(system, "/bin/true");
        Assert.Equal(["hollow"], Names());
        LosePowerAfter(system, "mv $D/below/moved $D/back; mv $D/hollow $D/below/hollow && sync $D/below");
        await RunAsync(system, "/bin/true");
        Assert.Equal(["back"], Names());
        LosePowerAfter(system, "mv $D/back $D/below/back");
        await RunAsync(system, "/bin/true");
        Assert.Equal(["back"], Names());
    }

    [Fact]
    public async Task The_clock_of_a_process_is_off_by_what_it_is_told()
    {
        var system = await MakeAsync();
        system.SetClock(TimeSpan.FromHours(-1));
        var told = DateTimeOffset.FromUnixTimeSeconds(long.Parse(await RunAsync(system, "date +%s"), CultureInfo.InvariantCulture));
        Assert.Equal(1, (DateTimeOffset.UtcNow - told).TotalHours, 0.1);
    }

    public void Dispose() => _directory.Dispose();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private async Task<UnkindSystem> MakeAsync()
    {
        var library = await UnkindSystem.CompileAsync(Cancelled);
        Directory.CreateDirectory(_directory["data"]);
        Directory.CreateDirectory(_directory["limbo"]);
        return new UnkindSystem(library, _directory["data"], _directory["limbo"], _directory["side"]);
    }

    private string Path(string name) => System.IO.Path.Combine(_directory["data"], name);

    private IEnumerable<string> Names() => Directory.EnumerateFiles(_directory["data"]).Select(path => System.IO.Path.GetFileName(path)).Order();

    private void LosePowerAfter(UnkindSystem system, string script)
    {
        Run(system, script, together: true);
        system.LosePower();
    }

    private Task<string> RunAsync(UnkindSystem system, string script) => Task.Run(() => Run(system, script, together: false), Cancelled);

    /// <param name="together">All programs of the script within one life of the system; else each is a process of its own, and starts one.</param>
    private string Run(UnkindSystem system, string script, bool together)
    {
        var environment = string.Join(' ', system.Environment.Where(one => one.Key != "LD_PRELOAD").Select(one => $"{one.Key}='{one.Value}'"));
        var library = system.Environment.Single(one => one.Key == "LD_PRELOAD").Value;
        var start = new ProcessStartInfo("sh", ["-c", $"export D='{_directory["data"]}' {environment} {(together ? "UNKIND_GO_ON=1" : "")}; export LD_PRELOAD='{library}'; {script}"]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
