using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Http;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// Decides whether a request may pass as admin or reader: finds the key, compares it, and slows down whoever guesses. The middleware asks
/// it for marked routes; a handler asks it when the key may stand in a form field.
/// </summary>
public sealed class KeyGuard(AdminKeys keys, FailedAttempts failures, ConsoleProof console, IEnumerable<IAccessPass> passes)
{
    /// <summary>The header of scripts that cannot set <c>Authorization</c>.</summary>
    public const string Header = "X-Mdfs-Secret";

    /// <summary>The classic parameter and form field.</summary>
    public const string Field = "secret";

    private const string Scheme = "Bearer ";

    /// <summary>The key a request carries in its headers or query, or null. The first place that has one counts: one request is one guess.</summary>
    public static string? Presented(HttpContext context)
    {
        foreach (var value in context.Request.Headers.Authorization)
        {
            if (value is not null && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return value[Scheme.Length..].Trim();
        }

        if (context.Request.Headers.TryGetValue(Header, out var header) && !string.IsNullOrEmpty(header)) return header.ToString();
        return context.Request.Query.TryGetValue(Field, out var parameter) && !string.IsNullOrEmpty(parameter) ? parameter.ToString() : null;
    }

    /// <summary>Null when the request may act as admin, else the refusal to answer with (401, or 429 after too many wrong keys).</summary>
    /// <param name="field">A key from the body, which counts only when headers and query carry none.</param>
    public Problem? RefuseAdmin(HttpContext context, string? field = null)
    {
        var key = Presented(context) ?? field;
        if (string.IsNullOrEmpty(key)) return Admitted(context, AccessClass.Admin) ? null : SecurityProblems.AdminKeyMissing;
        return Judge(context, keys.Verify(key), SecurityProblems.AdminKeyWrong);
    }

    /// <summary>Null when the request may read, else the refusal.</summary>
    public Problem? RefuseReader(HttpContext context)
    {
        if (keys.ReadingIsOpen || Admitted(context, AccessClass.Reader)) return null;
        var key = Presented(context);
        if (string.IsNullOrEmpty(key))
        {
            return context.Features.Get<RefusedPass>()?.Problem
                ?? (context.Request.Query.ContainsKey(SignedLinks.SignatureParameter) ? SecurityProblems.LinkWrong : SecurityProblems.ReaderKeyMissing);
        }

        return Judge(context, keys.VerifyReader(key), SecurityProblems.ReaderKeyWrong);
    }

    private Problem? Judge(HttpContext context, bool right, Problem wrong)
    {
        var address = context.Connection.RemoteIpAddress;
        // A right key from a locked address waits too: otherwise the lock would only hide which guess was right from honest clients. Not the console's, who guesses nothing and must not wait for those who do.
        var wait = !right ? failures.Add(address) : console.IsShown(context) ? TimeSpan.Zero : failures.Wait(address);
        if (wait > TimeSpan.Zero) return SecurityProblems.TooManyFailures(wait);
        return right ? null : wrong;
    }

    private bool Admitted(HttpContext context, AccessClass access)
    {
        foreach (var pass in passes)
        {
            if (pass.Admits(context, access)) return true;
        }

        return false;
    }
}

/// <summary>
/// Another way in than a key: a signed link for readers, the console's cookie. Register as many as there are; a pass must check all it
/// needs itself and say no when in doubt.
/// </summary>
public interface IAccessPass
{
    /// <param name="access"><see cref="AccessClass.Reader"/> or <see cref="AccessClass.Admin"/>.</param>
    bool Admits(HttpContext context, AccessClass access);
}

/// <summary>Left with a request by a pass that knows better than the guard why it does not admit it.</summary>
public sealed record RefusedPass(Problem Problem);
