using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>Nothing is held whole, and nothing is spooled (design, sections 2.5 and 4; the fourth defect of the original), seen on the processes themselves: what others do meanwhile is not in it.</summary>
public sealed class GibibyteTests
{
    private const long MiB = 1 << 20;
    private const long GiB = 1 << 30;

    // Four times what a process may grow by, which is enough for what would be held whole.
    private const long Quarter = GiB / 4;
    private const string Name = "long.mp4";

    // Until it collects a process keeps what it allocates, which for two GiB more was 10 MiB of a master: the goal of 1 MiB per GiB is below that. What is held of a movie is above it.
    private const long MostFurther = 32 * MiB;

    [Fact]
    public async Task A_gibibyte_goes_up_and_down_and_a_quarter_of_one_by_every_other_way_and_no_process_grows_by_more_than_64_MiB()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is read from /proc.");
        await using var cluster = await ProcessCluster.StartAsync(Cancelled, workers: 2, settings: [("Mdfs:Master:NodeTimeout", "00:00:10"), ("Mdfs:Master:SupersededGrace", "00:00:00"), ("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:IdleTimeout", "00:01:00"), ("Mdfs:Worker:TrashRetention", "00:00:01")]);
        await RoundAsync(cluster, 64 * MiB, 64 * MiB);

        ProcessNode[] processes = [cluster.Master, .. cluster.Workers];
        var before = processes.ToDictionary(process => process, process => process.ResidentBytes);
        foreach (var process in processes) process.ForgetPeak();
        var written = cluster.Master.WrittenBytes;
        await RoundAsync(cluster, GiB, Quarter);
        // Whatever it spools, and wherever, is written by it, although it may be gone when the request ends.
        Assert.InRange(cluster.Master.WrittenBytes - written, 0, 4 * MiB);

        foreach (var process in processes)
        {
            var growth = process.PeakResidentBytes - before[process];
            TestContext.Current.TestOutputHelper?.WriteLine($"{process.Name}: {before[process] / MiB} MiB, at most {growth / MiB} MiB more.");
            Assert.True(growth <= 64 * MiB, $"{process.Name} grew by {growth / MiB} MiB from {before[process] / MiB} MiB.");
        }

        // One more asks for nothing more.
        var peaks = processes.ToDictionary(process => process, process => process.PeakResidentBytes);
        await StoreAndReadAsync(cluster, new MovieBytes(4, Quarter));
        foreach (var process in processes)
        {
            var further = process.PeakResidentBytes - peaks[process];
            TestContext.Current.TestOutputHelper?.WriteLine($"{process.Name}: {further / 1024} KiB more for another one.");
            Assert.True(further <= MostFurther, $"{process.Name} grew by {further / MiB} MiB more.");
        }

        using (var deleted = await cluster.Client.DeleteAsync(Name, Cancelled)) Assert.True(deleted.IsSuccessStatusCode);
        await Eventually.TrueAsync(
            () => cluster.Workers.Sum(worker => BytesBelow(cluster.WorkerDirectory(worker))) < MiB, "the space is given back", MdfsClient.Patience, Cancelled);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>A movie with its length announced, and back; others without, and in the classic form.</summary>
    private static async Task RoundAsync(ProcessCluster cluster, long announced, long size)
    {
        await StoreAndReadAsync(cluster, new MovieBytes(1, announced));

        using (var chunked = new StreamContent(new MovieBytes(2, size).Open(), 256 * 1024))
        using (var request = new HttpRequestMessage(HttpMethod.Put, MdfsClient.FilePath(Name)) { Content = chunked })
        {
            request.Headers.Authorization = cluster.Client.Admin;
            request.Headers.TransferEncodingChunked = true;
            using var response = await cluster.Client.Http.SendAsync(request, Cancelled);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancelled));
        }

        using (var response = await cluster.Client.PostFormAsync(Name, new StreamContent(new MovieBytes(3, size).Open(), 256 * 1024), Cancelled))
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancelled));
        Assert.Equal(size, (await cluster.Client.FactsAsync(Name, Cancelled))!.Size);
    }

    private static async Task StoreAndReadAsync(ProcessCluster cluster, MovieBytes movie)
    {
        await Patiently.StoreAsync(cluster.Client, Name, movie, Cancelled);
        await cluster.Client.AssertHoldsAsync(Name, movie, Cancelled);
    }

    /// <summary>Of everything but the scrub's canary, which every worker has from its first round on, whatever is stored.</summary>
    private static long BytesBelow(string directory) =>
        new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Where(static file => file.Name is not ("canary" or "planted" or "reserve")).Sum(file => file.Exists ? file.Length : 0);
}
