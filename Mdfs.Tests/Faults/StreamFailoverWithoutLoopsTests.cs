using Mdfs.Tests.Support;

namespace Mdfs.Tests.Faults;

/// <summary>The portable way of master and workers, which is the only one on systems without what loops are made of.</summary>
public sealed class StreamFailoverWithoutLoopsTests(StreamFailoverWithoutLoopsTests.PortableCluster fixture)
    : StreamFailoverContract(fixture), IClassFixture<StreamFailoverWithoutLoopsTests.PortableCluster>
{
    public sealed class PortableCluster : StreamCluster
    {
        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:EventLoops", "0")];

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            var cancelled = TestContext.Current.CancellationToken;
            Assert.Equal(206, (await RawHttp.SendAsync(new Uri(Cluster.Client.Master, $"play?name={Name}"), "Range: bytes=0-9", cancelled)).Status);
            Assert.Equal(-1, await Cluster.Client.MetricAsync("mdfs_loop_requests_total", cancelled, missing: -1));
        }
    }
}
