using Mdfs.Protocol.Security;
using Microsoft.AspNetCore.Builder;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>Who may use a route (design, section 8).</summary>
public enum AccessClass
{
    /// <summary>Anybody: health, metrics, the console's own files.</summary>
    Open,

    /// <summary>Whoever may read: anybody, unless a reader key is configured.</summary>
    Reader,

    /// <summary>Whoever has the admin key.</summary>
    Admin,

    /// <summary>Another node, by its token.</summary>
    Node,

    /// <summary>The handler decides, because the proof stands where only it can look.</summary>
    Handler,
}

/// <summary>
/// The mark that every route carries; one without is refused, so that a forgotten one shows at once and a test can walk the table. The
/// last mark given counts: a route may be stricter or laxer than its group.
/// </summary>
/// <param name="Purposes">For <see cref="AccessClass.Node"/>: the token must be for one of these.</param>
/// <param name="Why">For <see cref="AccessClass.Handler"/>: what the handler checks.</param>
public sealed record AccessMark(AccessClass Access, NodePurpose[] Purposes, string? Why = null)
{
    public override string ToString() => Access switch
    {
        AccessClass.Node => $"Node({string.Join(", ", Purposes)})",
        AccessClass.Handler => $"Handler({Why})",
        _ => Access.ToString(),
    };
}

/// <summary>Marks a route as changing state although its method is a safe one: the classic <c>GET /delete</c>.</summary>
public sealed class ChangesStateMark;

/// <summary>How routes get their marks.</summary>
public static class AccessMarks
{
    public static TBuilder Open<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AccessMark(AccessClass.Open, []));

    public static TBuilder RequireReader<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AccessMark(AccessClass.Reader, []));

    public static TBuilder RequireAdmin<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AccessMark(AccessClass.Admin, []));

    /// <summary>Only with a node token for one of these purposes.</summary>
    public static TBuilder RequireNode<TBuilder>(this TBuilder builder, params NodePurpose[] purposes) where TBuilder : IEndpointConventionBuilder
    {
        ArgumentOutOfRangeException.ThrowIfZero(purposes.Length);
        return builder.WithMetadata(new AccessMark(AccessClass.Node, purposes));
    }

    /// <summary>
    /// The handler checks by itself and before it does anything: for <c>POST /upload</c>, whose key may be a form field, or a link that is
    /// signed. It still has to refuse the anonymous.
    /// </summary>
    /// <param name="why">What it checks, for whoever reads the route table.</param>
    public static TBuilder AuthorisedByHandler<TBuilder>(this TBuilder builder, string why) where TBuilder : IEndpointConventionBuilder
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(why);
        return builder.WithMetadata(new AccessMark(AccessClass.Handler, [], why));
    }

    /// <summary>Refused when a browser marks it foreign, although the method is GET or HEAD.</summary>
    public static TBuilder ChangesState<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ChangesStateMark());
}
