namespace Mdfs.Tests.Support;

/// <summary>What keeps the catalog of a <see cref="ProcessCluster"/>.</summary>
public enum RedisKind
{
    /// <summary>The embedded store as a process: <c>Mdfs.Garnet</c>.</summary>
    Garnet,

    /// <summary><c>redis-server</c> (or <c>valkey-server</c>) with <c>appendfsync always</c>; the test is skipped where there is none.</summary>
    RedisServer,
}
