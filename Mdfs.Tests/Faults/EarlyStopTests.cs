using System.Globalization;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>Whoever watches over a service may think better of it while it starts.</summary>
public sealed partial class EarlyStopTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_that_is_told_to_stop_before_it_listens_ends_as_it_was_told_and_does_not_crash()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Processes are told to stop by Unix signals.");
        using var directory = new TempDirectory();
        var settings = FastTimings.With(
            ("Mdfs:AdminKey", ProcessCluster.AdminKey), ("Mdfs:ClusterKey", "the cluster key of the tests"), ("Mdfs:Worker:DataDirectory", directory.Path), ("services:master:http:0", "http://127.0.0.1:1"));
        for (var attempt = 0; attempt < 3; attempt++)
        {
            settings["urls"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{TestPorts.Next()}");
            await using var worker = ServiceProcess.Start("Mdfs.Worker", settings);
            // The last that it says before it listens.
            await worker.WaitForOutputAsync(ReplicasAreHere(), Cancelled);
            var ended = await worker.StopAsync(Cancelled);
            Assert.True(ended == 0, $"It ended with {ended}:\n{worker.Output}");
        }
    }

    [GeneratedRegex("replicas of")]
    private static partial Regex ReplicasAreHere();
}
