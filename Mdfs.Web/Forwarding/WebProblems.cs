using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Web.Forwarding;

/// <summary>What the console's own process refuses.</summary>
public static class WebProblems
{
    public static Problem MasterAway { get; } = new(
        503, "master-away", "The master does not answer", "The console is up, but the master behind it does not answer. Try again in a moment; nothing was changed.")
    { RetryAfter = TimeSpan.FromSeconds(2) };
}
