using Mdfs.Tests.Support;

namespace Mdfs.Tests.Browser;

/// <summary>
/// One cluster for all tests that only look at the console or change movies of their own, one test after the other: a browser beside another one makes both slow
/// on a small machine.
/// </summary>
[CollectionDefinition(Name)]
public sealed class ConsoleCluster : ICollectionFixture<SharedCluster>
{
    public const string Name = "Console";
}
