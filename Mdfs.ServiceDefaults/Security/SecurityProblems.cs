using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>Every refusal for want of authority. None says which part of a key was wrong, or whether one exists.</summary>
public static class SecurityProblems
{
    // What the original answered, and what scripts compare with.
    private const string ClassicUnauthorized = "Unauthorized";

    public static Problem AdminKeyMissing { get; } = new(
        401, "admin-key-missing", "Admin key missing", "This needs the admin key: send it in the header 'Authorization: Bearer …' or 'X-Mdfs-Secret'.")
    { Classic = ClassicUnauthorized };

    public static Problem AdminKeyWrong { get; } = new(
        401, "admin-key-wrong", "Admin key wrong", "That is not the admin key. It is the setting Mdfs:AdminKey of the service.")
    { Classic = ClassicUnauthorized };

    public static Problem ReaderKeyMissing { get; } = new(
        401, "reader-key-missing", "Reader key missing", "Reading needs a key here: send it in the header 'Authorization: Bearer …', or use a signed link.")
    { Classic = ClassicUnauthorized };

    public static Problem ReaderKeyWrong { get; } = new(
        401, "reader-key-wrong", "Reader key wrong", "That is neither the reader key nor the admin key of this service.")
    { Classic = ClassicUnauthorized };

    public static Problem LinkWrong { get; } = new(
        403, "link-wrong", "Link not valid", "This link was made for another movie, another version or another address, or was changed on its way. Ask the one who gave it to you for a new one.");

    public static Problem LinkExpired { get; } = new(
        403, "link-expired", "Link expired", "This link was good for a time only, and that is over. Ask the one who gave it to you for a new one.");

    public static Problem Unmarked { get; } = new(
        403, "unmarked-route", "Route not open", "This address has not been given to anybody; that is a mistake in the service and is in its log.");

    public static Problem ForeignSite { get; } = new(
        403, "foreign-site", "Request from another site",
        "Your browser says that another web site made this request. Use the console under its own address; behind a proxy, let it pass the 'Host' header on.");

    public static Problem ForeignHost { get; } = new(
        421, "foreign-host", "Unknown host name", "This service does not answer to the host name in the request. Add the name to the setting Mdfs:AllowedHosts, of the master and of the console in front of it.");

    public static Problem TooManyFailures(TimeSpan wait) => new(
        429, "too-many-failures", "Too many wrong keys", $"Too many wrong keys came from your address. Try again in {Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds))} s.")
    { RetryAfter = wait };
}
