using Mdfs.Master;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Unit;

/// <summary>What is found by looking at what has changed, beside what counting every movie finds. The clock stands still but where it is moved, so that no look at all of them makes up for what was overlooked.</summary>
public sealed class CopySurveyTests
{
    private static readonly UploadId _upload = UploadId.New();

    private readonly FakeTimeProvider _time = new();
    private readonly FileCatalog _catalog = new();
    private readonly NodeRegistry _registry;
    private readonly IOptions<MasterOptions> _options;
    private long _number;

    public CopySurveyTests()
    {
        _options = Options.Create(new MasterOptions { ReplicationFactor = 2 });
        _registry = new NodeRegistry(_options, _time);
    }

    [Fact]
    public void Whatever_happens_looking_at_what_has_changed_finds_what_counting_every_movie_finds()
    {
        var (few, looks) = (0, 0);
        for (var seed = 0; seed < 60; seed++)
        {
            var dice = new Random(seed);
            var options = Options.Create(new MasterOptions { ReplicationFactor = dice.Next(1, 4) });
            var (catalog, registry) = (new FileCatalog(), new NodeRegistry(options, _time));
            var survey = new CopySurvey(registry, catalog, options, _time);
            for (var movie = 0; movie < 120; movie++) Store(catalog, movie, 1);
            for (var node = 1; node <= 4; node++) Join(registry, node);
            for (var step = 0; step < 600; step++)
            {
                Happen(dice, catalog, registry);
                if (dice.Next(3) != 0) continue;
                var view = registry.View;
                var found = survey.Look(view);
                Assert.Equal(Counted(catalog, registry, view, options.Value.ReplicationFactor), found.OrderBy(movie => movie.Entry.Name));
                (few, looks) = (few + (survey.LookedAt < catalog.Count ? 1 : 0), looks + 1);
                Assert.Equal(catalog.Entries.Count(entry => Copies.Count(registry, entry.Replica) < options.Value.ReplicationFactor), survey.UnderReplicated(view));
                Assert.Equal(found, survey.Look(view));
                Assert.Equal(0, survey.LookedAt);
            }
        }

        // Else it was not looking at what had changed that was tried here.
        Assert.InRange(few, looks / 2, looks);
    }

    [Fact]
    public void Of_what_has_not_changed_nothing_is_looked_at()
    {
        var survey = Fill(1000);
        Assert.Empty(survey.Look(_registry.View));
        Assert.Equal(1000, survey.LookedAt);
        Assert.Empty(survey.Look(_registry.View));
        Assert.Equal(0, survey.LookedAt);

        // It was re-read, and its node beat: nothing of that changes what counts.
        Report(_registry, 2, 7, verified: true);
        lock (_registry.Gate) _registry.Publish();
        Assert.Empty(survey.Look(_registry.View));
        Assert.Equal(0, survey.LookedAt);

        Report(_registry, 2, 7, damaged: true);
        Assert.Equal((Movie(7, 1).Name, 1, 2), survey.Look(_registry.View).Select(movie => (movie.Entry.Name, movie.Copies.Counted, movie.Copies.Live)).Single());
        Assert.Equal(1, survey.LookedAt);
        Assert.Single(survey.Look(_registry.View));
        Assert.Equal(0, survey.LookedAt);
    }

    [Fact]
    public void What_a_silent_node_holds_is_missing_until_it_is_back()
    {
        var survey = Fill(1000);
        survey.Look(_registry.View);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            Revive(_registry, 2);
            Revive(_registry, 3);
            Assert.Empty(_registry.DropSilent());
        }

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([Nodes.Id(1)], _registry.DropSilent());
        Assert.Equal(667, survey.Look(_registry.View).Count(movie => movie.Lacks));
        Assert.Equal(667, survey.UnderReplicated(_registry.View));
        Revive(_registry, 1);
        Assert.Empty(survey.Look(_registry.View));
    }

    [Fact]
    public void When_a_node_changes_only_what_it_holds_is_looked_at()
    {
        var survey = Fill(1000);
        Join(_registry, 4);
        for (var movie = 0; movie < 1000; movie += 10) Report(_registry, 4, movie);
        Assert.Equal(100, survey.Look(_registry.View).Count(movie => !movie.Lacks));
        lock (_registry.Gate)
        {
            _registry.Find(Nodes.Id(4))!.Failed = "its disk is gone";
            _registry.Publish();
        }

        Assert.Empty(survey.Look(_registry.View));
        Assert.Equal(100, survey.LookedAt);
        lock (_registry.Gate)
        {
            _registry.Find(Nodes.Id(4))!.Failed = null;
            _registry.Publish();
            _registry.Find(Nodes.Id(4))!.Inventory.Remove(Movie(10, 1).Version, ++_number);
        }

        Assert.Equal(99, survey.Look(_registry.View).Count);
        Assert.Equal(100, survey.LookedAt);
    }

    [Fact]
    public void More_than_can_be_noted_is_seen_all_the_same()
    {
        var survey = Fill(150_000);
        survey.Look(_registry.View);
        for (var movie = 0; movie < 150_000; movie++) Report(_registry, 1 + (movie % 3), movie, damaged: true);
        Assert.Equal(150_000, survey.Look(_registry.View).Count(movie => movie.Lacks));
    }

    [Fact]
    public void All_are_looked_at_now_and_then_in_case_something_was_not_told()
    {
        var survey = Fill(10);
        survey.Look(_registry.View);
        _time.Advance(TimeSpan.FromMinutes(9));
        survey.Look(_registry.View);
        Assert.Equal(0, survey.LookedAt);
        _time.Advance(TimeSpan.FromMinutes(1));
        survey.Look(_registry.View);
        Assert.Equal(10, survey.LookedAt);
    }

    /// <summary>Three nodes, each movie on two of them.</summary>
    private CopySurvey Fill(int movies)
    {
        var survey = new CopySurvey(_registry, _catalog, _options, _time);
        for (var node = 1; node <= 3; node++) Join(_registry, node);
        for (var movie = 0; movie < movies; movie++)
        {
            Store(_catalog, movie, 1);
            Report(_registry, 1 + (movie % 3), movie);
            Report(_registry, 1 + ((movie + 1) % 3), movie);
        }

        return survey;
    }

    private void Happen(Random dice, FileCatalog catalog, NodeRegistry registry)
    {
        var (movie, version, node) = (dice.Next(120), dice.Next(1, 4), dice.Next(1, 7));
        switch (dice.Next(30))
        {
            case 0:
                Store(catalog, movie, version);
                break;
            case 1:
                catalog.Apply(new CatalogChange { Remove = [Movie(movie, 1).Name], Highest = new MovieVersion(1) });
                break;
            case 2 when dice.Next(10) == 0:
                catalog.Replace([.. Enumerable.Range(0, 20).Select(number => new CatalogEntry(Movie(number, version), []))], [], new MovieVersion(1));
                break;
            case 3:
                lock (registry.Gate)
                {
                    if (registry.Find(Nodes.Id(node)) is { } state) Change(dice, registry, state);
                }

                break;
            case 4 when dice.Next(3) == 0:
                lock (registry.Gate) registry.Forget(Nodes.Id(node));
                break;
            case 5:
                Join(registry, node);
                break;
            case 6 when dice.Next(3) == 0:
                lock (registry.Gate) registry.Find(Nodes.Id(node))?.Inventory.Clear();
                break;
            case 7 when dice.Next(3) == 0:
                lock (registry.Gate)
                {
                    var held = Enumerable.Range(0, 30).Where(_ => dice.Next(2) == 0).Select(number => new ReplicaReport(Movie(number, version), dice.Next(5) == 0, true)).ToList();
                    registry.Find(Nodes.Id(node))?.Inventory.TakePage(new InventoryPage(Nodes.Id(node), "life", ++_number, 0, true, held, []));
                }

                break;
            case < 14:
                lock (registry.Gate) registry.Find(Nodes.Id(node))?.Inventory.Remove(Movie(movie, version).Version, ++_number);
                break;
            default:
                Report(registry, node, movie, version, damaged: dice.Next(4) == 0, verified: dice.Next(2) == 0, foreign: dice.Next(6) == 0);
                break;
        }
    }

    private static void Change(Random dice, NodeRegistry registry, NodeState state)
    {
        switch (dice.Next(5))
        {
            case 0:
                state.Draining = !state.Draining;
                break;
            case 1:
                state.DrainPaused = !state.DrainPaused;
                break;
            case 2:
                state.Failed = state.Failed is null ? "its disk is gone" : null;
                break;
            case 3:
                registry.Leave(state, null);
                break;
            default:
                (state.Alive, state.ExpectedSince) = (!state.Alive, null);
                break;
        }

        registry.Publish();
    }

    private static List<SurveyedMovie> Counted(FileCatalog catalog, NodeRegistry registry, ClusterView view, int wanted)
    {
        var goal = CopyGoal.Of(wanted, view);
        var found = new List<SurveyedMovie>();
        foreach (var entry in catalog.Entries)
        {
            var holders = registry.Replicas.HoldersOf(entry.Version);
            var copies = new CopyTally(
                holders.Count(holder => IsWhole(holder, entry) && view.Find(holder.Node) is { Counts: true }),
                holders.Count(holder => holder.Agrees(entry.Replica) && view.Find(holder.Node) is { Alive: true, Failed: null }),
                holders.Count(holder => IsWhole(holder, entry) && view.Find(holder.Node) is { IsWaitedFor: true }));
            if (copies.Counted < goal || copies.Live > goal) found.Add(new SurveyedMovie(entry, copies, copies.Counted < goal));
        }

        return [.. found.OrderBy(movie => movie.Entry.Name)];
    }

    private static bool IsWhole(Holder holder, CatalogEntry entry) => !holder.Damaged && holder.Agrees(entry.Replica);

    private static void Store(FileCatalog catalog, int movie, int version) =>
        catalog.Apply(new CatalogChange { Put = [new CatalogEntry(Movie(movie, version), [])], Highest = new MovieVersion(version) });

    private void Join(NodeRegistry registry, int node)
    {
        lock (registry.Gate) registry.FindOrAdd(Nodes.Id(node), $"worker-{node}").Life = "life";
        Revive(registry, node);
    }

    private void Revive(NodeRegistry registry, int node)
    {
        lock (registry.Gate)
        {
            var state = registry.Find(Nodes.Id(node))!;
            state.LastBeat = _time.GetTimestamp();
            registry.Revive(state);
        }
    }

    private void Report(NodeRegistry registry, int node, int movie, int version = 1, bool damaged = false, bool verified = false, bool foreign = false)
    {
        var replica = Movie(movie, version);
        lock (registry.Gate) registry.Find(Nodes.Id(node))?.Inventory.Set(new ReplicaReport(foreign ? replica with { Size = 7 } : replica, damaged, verified), ++_number);
    }

    private static ReplicaDescription Movie(int number, int version) => new(
        FileName.Parse($"film {number:D6}.mp4"), new MovieVersion((number * 10) + version), 100, new Checksum((uint)number), DateTimeOffset.UnixEpoch, _upload, "c");
}
