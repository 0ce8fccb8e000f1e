using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>The keys of people and scripts, from the section <c>Mdfs</c> (design, section 8).</summary>
public sealed class AdminKeyOptions
{
    /// <summary>What <see cref="AdminKey"/> is in Development when nothing is configured: the original's well-known key.</summary>
    public const string DevelopmentKey = "admin888";

    /// <summary>The shortest key accepted outside Development, in characters.</summary>
    public const int MinimumLength = 12;

    /// <summary>
    /// <c>Mdfs:AdminKey</c>: opens everything that changes state. Required outside Development, at least 12 characters of ASCII; on a worker it may be left out, and
    /// then nobody is its admin.
    /// </summary>
    public string? AdminKey { get; set; }

    /// <summary>Whether the service may go without an admin key. Not a setting: the service itself says so.</summary>
    public bool IsOptional { get; private set; }

    /// <summary><c>Mdfs:ReaderKey</c>: when set, reading needs it (or the admin key). Default: none, reading is open.</summary>
    public string? ReaderKey { get; set; }

    /// <summary>Failed attempts of one client address within <see cref="FailureWindow"/> after which it is refused. Default 10, from 1 to 1000. <c>Mdfs:KeyFailures</c>.</summary>
    public int KeyFailures { get; set; } = 10;

    /// <summary>How long a failed attempt counts. Default 1 minute, from 1 second to 1 day. <c>Mdfs:FailureWindow</c>.</summary>
    public TimeSpan FailureWindow { get; set; } = TimeSpan.FromMinutes(1);

    public void MayBeLeftOut() => IsOptional = true;
}

/// <summary>Fills in Development's default, and refuses a weak key anywhere else with a sentence that names the setting.</summary>
public sealed class AdminKeyRules(IHostEnvironment environment) : IPostConfigureOptions<AdminKeyOptions>, IValidateOptions<AdminKeyOptions>
{
    public void PostConfigure(string? name, AdminKeyOptions options)
    {
        options.ReaderKey = WithoutEndOfLine(options.ReaderKey);
        options.AdminKey = WithoutEndOfLine(options.AdminKey);
        if (environment.IsDevelopment() && options.AdminKey is null) options.AdminKey = AdminKeyOptions.DevelopmentKey;
    }

    public ValidateOptionsResult Validate(string? name, AdminKeyOptions options)
    {
        var wrong = Wrong(options).ToList();
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }

    // A key from a file that an editor has ended with a line, in whatever system's way.
    private static string? WithoutEndOfLine(string? key) => string.IsNullOrWhiteSpace(key) ? null : key.TrimEnd('\r', '\n');

    // Else nobody could ever show it: clients send nothing but ASCII, and no space at either end.
    private static bool IsSendable(string key) => !key.AsSpan().ContainsAnyExceptInRange(' ', '~') && key[0] != ' ' && key[^1] != ' ';

    private static string NotSendable(string setting) =>
        $"{setting} cannot stand in a header of HTTP: give it letters, digits and signs of ASCII only, and no control characters; spaces may stand between them.";

    private IEnumerable<string> Wrong(AdminKeyOptions options)
    {
        if (options.AdminKey is { } admin && !IsSendable(admin)) yield return NotSendable("Mdfs:AdminKey");
        if (options.ReaderKey is { } reader && !IsSendable(reader)) yield return NotSendable("Mdfs:ReaderKey");
        if (options.KeyFailures is < 1 or > 1000) yield return "Mdfs:KeyFailures must be from 1 to 1000.";
        if (options.FailureWindow < TimeSpan.FromSeconds(1) || options.FailureWindow > TimeSpan.FromDays(1)) yield return "Mdfs:FailureWindow must be from 1 second to 1 day.";
        if (options.ReaderKey is not null && options.ReaderKey == options.AdminKey) yield return "Mdfs:ReaderKey must differ from Mdfs:AdminKey: whoever reads must not be able to delete.";
        if (environment.IsDevelopment()) yield break;

        if (options.AdminKey is null)
        {
            if (!options.IsOptional)
                yield return $"Mdfs:AdminKey is not set. Give a secret of at least {AdminKeyOptions.MinimumLength} characters (environment variable Mdfs__AdminKey).";
        }
        else if (options.AdminKey == AdminKeyOptions.DevelopmentKey)
            yield return $"Mdfs:AdminKey is the well-known default, which only the Development environment accepts. Give a secret of at least {AdminKeyOptions.MinimumLength} characters.";
        else if (options.AdminKey.Length < AdminKeyOptions.MinimumLength)
            yield return $"Mdfs:AdminKey is too short: outside Development it needs at least {AdminKeyOptions.MinimumLength} characters.";
        if (options.ReaderKey is { Length: < AdminKeyOptions.MinimumLength })
            yield return $"Mdfs:ReaderKey is too short: outside Development it needs at least {AdminKeyOptions.MinimumLength} characters.";
    }
}
