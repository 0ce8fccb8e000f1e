using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.Web.Forwarding;

/// <summary>What the console's own process refuses.</summary>
public static class WebProblems
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(2);

    public static Problem MasterAway { get; } = new(
        503, "master-away", "The master does not answer", "The console is up, but the master behind it does not answer. Try again in a moment; nothing was changed.")
    { RetryAfter = _soon };

    /// <summary>The master was asked and went away; its own <c>outcome-unknown</c> is about Redis.</summary>
    public static Problem OutcomeUnknown { get; } = new(
        503, "outcome-unknown", "Outcome not known yet",
        "The master went away before it answered, so that the change may have been made or not. Look at what is there when it is back, and repeat the request if need be.")
    { RetryAfter = _soon };
}
