namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>What a <see cref="PeriodicService"/> did last; one immutable picture, so that its parts belong together.</summary>
/// <param name="LastStart">When the last run began, by the service's clock; null before the first.</param>
/// <param name="LastEnd">When the last finished run ended, well or badly; null before the first.</param>
/// <param name="LastError">Why the last finished run failed; null when it went well.</param>
/// <param name="Failures">How many runs failed in a row.</param>
/// <param name="Running">Whether a run is under way.</param>
public sealed record PeriodicStatus(DateTimeOffset? LastStart, DateTimeOffset? LastEnd, Exception? LastError, int Failures, bool Running)
{
    public static PeriodicStatus Fresh { get; } = new(null, null, null, 0, false);
}
