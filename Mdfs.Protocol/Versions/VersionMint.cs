namespace Mdfs.Protocol.Versions;

/// <summary>
/// How the next version is made (design, section 4): not below the clock, and above every version and tombstone ever heard of, so that
/// versions follow the order of commits also when the clock steps back.
/// </summary>
public static class VersionMint
{
    public static MovieVersion Next(DateTimeOffset now, MovieVersion highest) =>
        new(Math.Max((now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, highest.Number + 1));
}
