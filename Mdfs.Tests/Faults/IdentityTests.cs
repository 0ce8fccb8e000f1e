using System.Globalization;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>Workers that are not who they say they are, as processes: refused with a sentence that says what to do, and nothing is lost by it.</summary>
public sealed partial class IdentityTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Workers_of_one_directory_one_copied_directory_and_one_name_are_told_apart()
    {
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2);
        var movie = new MovieBytes(1, 300_000);
        await Patiently.StoreAsync(cluster.Client, "movie.mp4", movie, Cancelled);

        // The same directory: the second ends, and says why.
        await using (var second = Start(cluster, "worker-1", cluster.WorkerDirectory(cluster.Workers[0])))
        {
            Assert.NotEqual(0, await second.WaitForExitAsync(Cancelled));
            Assert.Contains("another worker uses it", second.Output, StringComparison.Ordinal);
        }

        // A name that somebody beats under: refused for as long as that one does.
        await using (var namesake = Start(cluster, "worker-1", _directory["namesake"]))
            await namesake.WaitForOutputAsync(Namesake(), Cancelled);

        // A copy of a directory, which has the same id: of the two processes the later one is refused.
        Copy(cluster.WorkerDirectory(cluster.Workers[0]), _directory["copy"]);
        await using (var copy = Start(cluster, "worker-1", _directory["copy"]))
        {
            await copy.WaitForOutputAsync(Copied(), Cancelled);
            await cluster.Client.AssertHoldsAsync("movie.mp4", movie, Cancelled);
        }

        await cluster.Client.WaitForNodesAsync(2, Cancelled);
        await cluster.Client.WaitForWholeAsync(1, Cancelled);
        await cluster.Client.AssertHoldsAsync("movie.mp4", movie, Cancelled);
        Assert.Equal(["worker-1", "worker-2"], (await cluster.Client.AdminAsync("api/nodes", Cancelled)).EnumerateArray().Select(node => node.GetProperty("name").GetString()));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [GeneratedRegex("Another node .* is beating as 'worker-1'")]
    private static partial Regex Namesake();

    [GeneratedRegex("its data directory was copied")]
    private static partial Regex Copied();

    private static ServiceProcess Start(ProcessCluster cluster, string name, string directory) => ServiceProcess.Start("Mdfs.Worker",
    [
        .. cluster.Settings, new("urls", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{TestPorts.Next()}")), new("Mdfs:Worker:Name", name), new("Mdfs:Worker:DataDirectory", directory),
        new("services:master:http:0", cluster.Master.Address.GetLeftPart(UriPartial.Authority)),
    ]);

    private static void Copy(string from, string to)
    {
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) is not "lock"))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
