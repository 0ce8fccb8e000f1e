using Mdfs.ServiceDefaults.Loops;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>The way of loops where the system passes no bytes on by itself.</summary>
public sealed class StreamFailoverThroughMemoryTests(StreamFailoverThroughMemoryTests.MemoryCluster fixture)
    : StreamFailoverContract(fixture), IClassFixture<StreamFailoverThroughMemoryTests.MemoryCluster>
{
    public sealed class MemoryCluster : StreamCluster
    {
        protected override IEnumerable<(string Key, string Value)> Settings => [(LoopPipes.Setting, "false")];

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            var cancelled = TestContext.Current.CancellationToken;
            Assert.Equal(200, (await RawHttp.SendAsync(new Uri(Cluster.Client.Master, $"play?name={Name}"), "", cancelled, goesOn: true)).Status);
            Assert.Equal(0, await Cluster.Client.MetricAsync("mdfs_download_spliced_bytes_total", cancelled));
        }
    }
}
