using Mdfs.Gateway.Streams;
using Mdfs.Master.Transfer;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Tests.Cluster;
using Mdfs.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Conformance;

/// <summary>
/// The sentences of RFC 9110 put to every address under which a movie can be had: the master's, a front end's, each worker's own, and direct links. With <c>MDFS_CONFORMANCE_URL</c> (and
/// <c>MDFS_CONFORMANCE_EMPTY_URL</c>) they are put to any server's file instead, which shows how the others fare.
/// </summary>
public sealed class RfcTests(RfcTests.Subjects subjects) : IClassFixture<RfcTests.Subjects>
{
    [Theory]
    [MemberData(nameof(RfcSentences.OfAMovie), MemberType = typeof(RfcSentences))]
    public async Task A_movie_is_read_as_the_RFC_says(string section, string sentence, string request, string answer) =>
        await AssertAsync([.. subjects.Movie, .. subjects.Portable], section, sentence, request, answer);

    [Theory]
    [MemberData(nameof(RfcSentences.OfAnEmptyMovie), MemberType = typeof(RfcSentences))]
    public async Task An_empty_movie_is_read_as_the_RFC_says(string section, string sentence, string request, string answer)
    {
        Assert.SkipWhen(subjects.Empty.Count == 0, "MDFS_CONFORMANCE_EMPTY_URL is not set.");
        await AssertAsync(subjects.Empty, section, sentence, request, answer);
    }

    [Fact]
    public void What_the_front_end_answers_it_has_fetched_itself() => Assert.True(subjects.FrontEnd is null || subjects.FrontEnd.Services.GetRequiredService<StreamMetrics>().BytesGiven >= 800_000);

    [Fact]
    public async Task What_loops_can_answer_was_answered_by_them()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && subjects.Master is not null, "Loops are made of what Linux has.");
        var before = await subjects.Master.MetricAsync("mdfs_loop_requests_total", TestContext.Current.CancellationToken, 0);
        await AssertAsync([.. subjects.Movie], "14.1.2", "first and last position, both included", "Range: bytes=0-9", "206 0-9");
        Assert.InRange(await subjects.Master.MetricAsync("mdfs_loop_requests_total", TestContext.Current.CancellationToken), before + 4, double.MaxValue);
    }

    [Fact]
    public void All_addresses_tell_the_same_validators()
    {
        Assert.Single(subjects.Movie.Select(subject => (subject.ETag, subject.LastModified)).Distinct());
        Assert.All(subjects.Movie, subject => Assert.NotNull(subject.LastModified));
    }

    private static async Task AssertAsync(IReadOnlyList<RfcSubject> subjects, string section, string sentence, string request, string answer)
    {
        var faults = new List<string>();
        foreach (var subject in subjects) faults.AddRange(await subject.TryAsync(request, answer, TestContext.Current.CancellationToken));
        Assert.True(faults.Count == 0, $"RFC 9110, {section}: {sentence}.\n{request}\n{string.Join('\n', faults)}");
    }

    /// <summary>Every address of one movie in a cluster of ours.</summary>
    internal static async Task<IReadOnlyList<RfcSubject>> AddressesAsync(TestCluster cluster, string name, CancellationToken cancellationToken)
    {
        var client = cluster.Client;
        var facts = (await client.FactsAsync(name, cancellationToken))!;
        var services = cluster.Cluster.Master.Services;
        var claim = new LinkClaim(
            LinkServer.Worker, FileName.Parse(name), new MovieVersion(facts.Version), Attachment: true, services.GetRequiredService<IMasterIdentity>().Now + 3_600_000);
        var link = $"{Routes.Worker.LinkPath(claim.Version, claim.Name, claim.Attachment)}{services.GetRequiredService<SignedLinks>().Query(claim)}";
        var met = new List<RfcSubject>(await ReaderAddressesAsync(client.Master, name, cancellationToken));
        foreach (var worker in facts.Holders.Select(cluster.Worker))
        {
            met.Add(await RfcSubject.MeetAsync(new Uri(worker.Address, $"download?name={Uri.EscapeDataString(name)}"), $"Authorization: Bearer {TestCluster.AdminKey}", cancellationToken));
            met.Add(await RfcSubject.MeetAsync(new Uri(worker.Address, link[1..]), "", cancellationToken));
        }

        return met;
    }

    /// <summary>Every address of a movie on a master or a front end.</summary>
    internal static async Task<IReadOnlyList<RfcSubject>> ReaderAddressesAsync(Uri server, string name, CancellationToken cancellationToken)
    {
        var escaped = Uri.EscapeDataString(name);
        var met = new List<RfcSubject>();
        foreach (var path in (string[])[$"download?name={escaped}", $"play?name={escaped}", $"api/files/{escaped}/content", $"index/{escaped}"])
            met.Add(await RfcSubject.MeetAsync(new Uri(server, path), "", cancellationToken));
        return met;
    }

    public sealed class Subjects : IAsyncLifetime
    {
        private const string Name = "Über 100% 影片.mp4";
        private readonly TempDirectory _directory = new();
        private TestCluster? _cluster;
        private TestCluster? _served;
        private WorkerNode? _portable;
        private WebRig? _front;

        public IReadOnlyList<RfcSubject> Movie { get; private set; } = [];

        /// <summary>Null where the cluster is not ours.</summary>
        public MdfsClient? Master => _cluster?.Client;

        /// <summary>A front end that sends movies itself; null where the cluster is not ours.</summary>
        public WebRig? FrontEnd => _front;

        /// <summary>Where loops answer nothing, and a worker that hands its answers to the server, as it does under TLS and where a platform has nothing shorter.</summary>
        public IReadOnlyList<RfcSubject> Portable { get; private set; } = [];

        public IReadOnlyList<RfcSubject> Empty { get; private set; } = [];

        public async ValueTask InitializeAsync()
        {
            var cancelled = TestContext.Current.CancellationToken;
            if (Environment.GetEnvironmentVariable("MDFS_CONFORMANCE_URL") is { Length: > 0 } url)
            {
                Movie = [await RfcSubject.MeetAsync(new Uri(url), "", cancelled)];
                if (Environment.GetEnvironmentVariable("MDFS_CONFORMANCE_EMPTY_URL") is { Length: > 0 } empty) Empty = [await RfcSubject.MeetAsync(new Uri(empty), "", cancelled)];
                return;
            }

            _cluster = await TestCluster.StartAsync(cancelled);
            // Twice within a second: the version that is read has a date of its own all the same, as soon as that has come.
            await _cluster.Client.StoreAsync(Name, new MovieBytes(1, 1000), cancelled);
            await _cluster.Client.StoreAsync(Name, new MovieBytes(2, 200_000), cancelled);
            await _cluster.Client.StoreAsync("empty.mp4", new MovieBytes(3, 0), cancelled);
            await Dates.ComeAsync(_cluster.Client, Name, cancelled);
            await Dates.ComeAsync(_cluster.Client, "empty.mp4", cancelled);
            _front = await WebRig.StartFrontEndAsync(_cluster, cancelled);
            Movie = [.. await AddressesAsync(_cluster, Name, cancelled), .. await ReaderAddressesAsync(_front.Address, Name, cancelled)];
            Empty = [.. await AddressesAsync(_cluster, "empty.mp4", cancelled), .. await ReaderAddressesAsync(_front.Address, "empty.mp4", cancelled)];
            // All that loops answer elsewhere is answered by the server here.
            _served = await TestCluster.StartAsync(cancelled, workers: 1, ("Mdfs:EventLoops", "0"));
            await _served.Client.StoreAsync(Name, new MovieBytes(2, 200_000), cancelled);
            await Dates.ComeAsync(_served.Client, Name, cancelled);
            _portable = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:SocketOutput"] = "false", ["Mdfs:EventLoops"] = "0" });
            await _portable.StoreAsync(WorkerNode.Movie(200_000), "a.mp4");
            Portable = [.. await AddressesAsync(_served, Name, cancelled), await RfcSubject.MeetAsync(new Uri(new Uri(_portable.Address), "download?name=a.mp4"), $"Authorization: Bearer {WorkerNode.AdminKey}", cancelled)];
        }

        public async ValueTask DisposeAsync()
        {
            if (_portable is not null) await _portable.DisposeAsync();
            if (_served is not null) await _served.DisposeAsync();
            if (_front is not null) await _front.DisposeAsync();
            if (_cluster is not null) await _cluster.DisposeAsync();
            _directory.Dispose();
        }
    }
}
