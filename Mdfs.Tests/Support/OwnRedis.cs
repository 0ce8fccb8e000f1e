using Mdfs.Garnet;

namespace Mdfs.Tests.Support;

/// <summary>Tests of which each has a Redis of its own, for masters that come and go.</summary>
public abstract class OwnRedis : IAsyncLifetime
{
    private readonly TempDirectory _temp = new();

    protected GarnetStore Redis { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Redis = new GarnetStore(new GarnetStoreOptions { Port = 0, DataDirectory = _temp["garnet"] });
        await Redis.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Redis.DisposeAsync();
        _temp.Dispose();
        GC.SuppressFinalize(this);
    }
}
