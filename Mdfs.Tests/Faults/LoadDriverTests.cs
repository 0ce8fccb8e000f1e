using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>
/// The load driver's short run: memory of every process, bytes read and sent per byte delivered, memory of paused players, and processor time beside nginx. It fails on what noise cannot explain; how fast
/// things are is measured by hand (docs/performance.md).
/// </summary>
public sealed class LoadDriverTests
{
    // Of a machine that has no time for it: one wait in the driver may take three minutes alone.
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_minute_of_load_stays_within_its_bounds()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The driver reads what processes cost from /proc.");
        // Elsewhere processor time is compared where nginx happens to be there.
        if (Tools.InContinuousIntegration) Tools.Require("nginx");
        // Where it has its files: were it killed, nobody else would remove them.
        using var directory = new TempDirectory();
        // Compiled as usual, not as for short lives: it is compared with a program that is not compiled while it runs.
        await using var driver = ServiceProcess.Run("/usr/bin/env", [.. ShortLives.Settings.Keys.SelectMany(static name => (string[])["-u", name]), $"TMPDIR={directory.Path}", Driver(), "load", "--check"]);
        var code = await driver.WaitForExitAsync(TestContext.Current.CancellationToken, _longest);
        TestContext.Current.TestOutputHelper?.WriteLine(driver.Output);
        Assert.True(code == 0, driver.Output);
    }

    // Built with the whole solution, as in continuous integration; the tests alone do not need it.
    private static string Driver()
    {
        try
        {
            return Executables.Find("Mdfs.Benchmarks");
        }
        catch (FileNotFoundException missing) when (!Tools.InContinuousIntegration)
        {
            Assert.Skip(missing.Message);
            return "";
        }
    }
}
