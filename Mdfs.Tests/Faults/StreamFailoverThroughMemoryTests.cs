using Mdfs.ServiceDefaults.Loops;

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
            Assert.Equal(0, await SplicedAsync(TestContext.Current.CancellationToken));
        }
    }
}
