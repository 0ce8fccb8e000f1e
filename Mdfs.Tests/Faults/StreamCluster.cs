using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>A cluster of processes with one movie that takes a while to play, and short patience with those who send it.</summary>
public class StreamCluster : IAsyncLifetime
{
    public const string Name = "playing.mp4";

    public static readonly MovieBytes Movie = new(8, 96 << 20);

    public static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(3);

    public ProcessCluster Cluster { get; private set; } = null!;

    protected virtual IEnumerable<(string Key, string Value)> Settings => [];

    public virtual async ValueTask InitializeAsync()
    {
        var cancelled = TestContext.Current.CancellationToken;
        Cluster = await ProcessCluster.StartAsync(cancelled, lanes: true, settings:
        [
            ("Mdfs:Master:IdleTimeout", $"{IdleTimeout}"), ("Mdfs:Master:PauseTimeout", "00:00:01"),
            ("Mdfs:Gateway:IdleTimeout", $"{IdleTimeout}"), ("Mdfs:Gateway:PauseTimeout", "00:00:01"),
            // What is frozen or killed for a moment shall be missed by nobody but its readers.
            ("Mdfs:Master:NodeTimeout", "00:00:20"), ("Mdfs:Master:CommitWait", "00:01:00"),
            .. Settings,
        ]);
        Assert.Equal(2, await Cluster.Client.StoreAsync(Name, Movie, cancelled));
    }

    /// <summary>Plays the movie once on a loop: bytes that the system has passed on by itself since the start.</summary>
    protected async Task<double> SplicedAsync(CancellationToken cancelled)
    {
        Assert.Equal(200, (await RawHttp.SendAsync(new Uri(Cluster.Client.Master, $"play?name={Name}"), "", cancelled, goesOn: true)).Status);
        return await Cluster.Client.MetricAsync("mdfs_download_spliced_bytes_total", cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        if (Cluster is { } cluster) await cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
