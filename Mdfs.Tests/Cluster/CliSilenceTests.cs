using Mdfs.Cli;
using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;
using Mdfs.Cli.Transfer;
using Mdfs.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Mdfs.Tests.Cluster;

/// <summary>A cluster that has been asked and says nothing, to a client whose patience is a clock of the test's.</summary>
public sealed class CliSilenceTests(SharedCluster shared) : IClassFixture<SharedCluster>, IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("beginning.mp4", false)]
    [InlineData("going on.mp4", true)]
    public async Task A_movie_whose_upload_is_met_with_silence_fails_alone_and_the_others_are_stored(string name, bool begun)
    {
        await using var line = new WeakLine(shared.Client.Master).HoldsAfter(up: 1);
        using var silent = new MasterClient(line.Url, TestCluster.AdminKey);
        using var good = new MasterClient(shared.Client.Master, TestCluster.AdminKey);
        var (movie, other) = (new MovieBytes(50, ResumableUpload.Smallest), new MovieBytes(51, ResumableUpload.Smallest));
        FileSource[] sources = [Source(name, movie), Source($"beside {name}", other)];
        var unfinished = new UnfinishedUploads(silent.Url, _temp["uploads"]);
        // What is there already is asked for first, and what is not is made: either question may stay without an answer.
        if (begun) unfinished.Keep(sources[0], "api/uploads/0123456789abcdef", onlyIfFree: false);

        var ended = new Dictionary<string, Exception?>();
        var batch = new Batch(new Output(json: true), parallel: 1).RunAsync(
            sources, static source => source.Name, static source => source.Origin,
            async (source, meter, cancelled) =>
            {
                var upload = source == sources[0] ? new ResumableUpload(silent, unfinished, _time) : new ResumableUpload(good, new UnfinishedUploads(good.Url, _temp["uploads"]));
                ended[source.Name] = await Record.ExceptionAsync(() => upload.TryRunAsync(source, onlyIfFree: false, meter, cancelled));
                return ended[source.Name] is { } error ? throw error : new Outcome(source.Name, Ending.Stored);
            },
            Cancelled);
        await line.Failed.WaitAsync(MdfsClient.Patience, Cancelled);
        _time.Advance(Silence.Limit);

        Assert.Equal(ExitCodes.Unavailable, await batch.WaitAsync(MdfsClient.Patience, Cancelled));
        Assert.IsType<TimeoutException>(ended[name]);
        Assert.Null(ended[$"beside {name}"]);
        await shared.Client.AssertHoldsAsync($"beside {name}", other, Cancelled);
    }

    [Fact]
    public async Task Whoever_takes_a_movie_may_pause_for_as_long_as_he_likes()
    {
        var movie = new MovieBytes(52, 3_000_000);
        await shared.Client.StoreAsync("watched.mp4", movie, Cancelled);
        using var master = new MasterClient(shared.Client.Master, TestCluster.AdminKey);
        await using var player = new PausedPlayer();
        var watching = new Download(master, new Retrying(new Output(json: true), 0), force: false, _time).CopyAsync("watched.mp4", player, Cancelled);
        await player.Paused.Task.WaitAsync(MdfsClient.Patience, Cancelled);
        _time.Advance(2 * Silence.Limit);
        player.GoesOn.SetResult();
        await watching.WaitAsync(MdfsClient.Patience, Cancelled);
        Assert.Equal(movie.ToArray(), player.ToArray());
    }

    /// <summary>Takes nothing until it goes on, and hears nothing meanwhile, as a pipe does that is full.</summary>
    private sealed class PausedPlayer : MemoryStream
    {
        public TaskCompletionSource Paused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoesOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Paused.TrySetResult();
            await GoesOn.Task;
            await base.WriteAsync(buffer, CancellationToken.None);
        }
    }

    private FileSource Source(string name, MovieBytes movie) => FileSource.Of(name, new FileInfo(movie.WriteTo(_temp[name])));
}
