using Mdfs.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>
/// Web players that live elsewhere (the Fetch standard's CORS protocol). <c>Mdfs:Cors:AllowedOrigins</c> lists the origins whose pages may read answers:
/// <c>https://player.example</c>, or <c>*</c> for all; none by default. They may read, no more: what changes state stays closed to every foreign page
/// (<see cref="ForeignRequestGuard"/>), and cookies are never taken along.
/// </summary>
public static class CrossOrigin
{
    private const string Setting = "Mdfs:Cors:AllowedOrigins";

    // What a player asks with. Range alone would be allowed without a preflight, in its simplest form.
    private static readonly string[] _requestHeaders =
    [
        HeaderNames.Range, HeaderNames.IfRange, HeaderNames.IfMatch, HeaderNames.IfNoneMatch, HeaderNames.IfModifiedSince, HeaderNames.IfUnmodifiedSince,
        HeaderNames.Authorization, KeyGuard.Header, "Want-Repr-Digest",
    ];

    private static readonly string[] _exposed =
    [
        HeaderNames.ETag, HeaderNames.ContentRange, HeaderNames.AcceptRanges, HeaderNames.ContentLength, HeaderNames.ContentDisposition, HeaderNames.Location,
        "Link", "Repr-Digest", "Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size",
    ];

    /// <exception cref="SettingException">An entry is no origin.</exception>
    internal static void AddMdfsCors(this IServiceCollection services, IConfiguration configuration)
    {
        var origins = ConfiguredList.Read(configuration, Setting);
        if (origins.Count == 0) return;
        foreach (var origin in origins)
        {
            if (origin != "*" && !IsOrigin(origin))
                throw new SettingException($"{Setting} holds '{origin}', which is no origin. An origin looks like https://player.example or http://player.example:8000, without a path; '*' allows all.");
        }

        services.AddCors(cors => cors.AddDefaultPolicy(policy =>
        {
            if (origins.Contains("*")) policy.AllowAnyOrigin();
            else policy.WithOrigins([.. origins]);
            policy.WithMethods(HttpMethods.Get, HttpMethods.Head).WithHeaders(_requestHeaders).WithExposedHeaders(_exposed).SetPreflightMaxAge(TimeSpan.FromHours(1));
        }));
    }

    internal static void UseMdfsCors(this WebApplication app)
    {
        if (ConfiguredList.Read(app.Configuration, Setting).Count > 0) app.UseCors();
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme is "http" or "https")
        && uri.GetLeftPart(UriPartial.Authority).Equals(text, StringComparison.OrdinalIgnoreCase);
}
