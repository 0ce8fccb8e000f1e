using Mdfs.Tests.Support;

namespace Mdfs.Tests.Players;

/// <summary>Kills the workers that hold a movie, one after the other, and brings each back before the next, for as long as it lives.</summary>
internal sealed class Unrest : IAsyncDisposable
{
    private readonly CancellationTokenSource _enough = new();
    private readonly Task _going;
    private int _kills;

    public Unrest(ProcessCluster cluster, string movie) => _going = GoAsync(cluster, movie, _enough.Token);

    public int Kills => Volatile.Read(ref _kills);

    public async ValueTask DisposeAsync()
    {
        await _enough.CancelAsync();
        await _going;
        _enough.Dispose();
    }

    private async Task GoAsync(ProcessCluster cluster, string movie, CancellationToken enough)
    {
        var client = cluster.Client;
        try
        {
            while (true)
            {
                foreach (var name in (await client.FactsAsync(movie, enough))!.Holders.ToList())
                {
                    var victim = cluster.Worker(name);
                    await victim.KillAsync();
                    Interlocked.Increment(ref _kills);
                    await Task.Delay(TimeSpan.FromSeconds(1), enough);
                    await victim.StartAsync();
                    // The other one has to hold out until this one can be read again.
                    await Eventually.TrueAsync(
                        async () =>
                        {
                            try
                            {
                                return (await client.Http.GetStringAsync(new Uri(victim.Address, "metrics"), enough)).Contains("\nmdfs_worker_files 1\n", StringComparison.Ordinal)
                                    && (await client.FactsAsync(movie, enough))!.Copies == 2;
                            }
                            catch (HttpRequestException)
                            {
                                return false;
                            }
                        },
                        $"{name} is back", MdfsClient.Patience, enough);
                    await Task.Delay(TimeSpan.FromSeconds(2), enough);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }
}
