using Microsoft.AspNetCore.Http;

namespace Mdfs.ServiceDefaults.Security;

/// <summary>Headers on every answer (design, section 8): no browser may guess that a movie is a page.</summary>
internal static class SecurityHeaders
{
    public static void Apply(HttpResponse response) => response.Headers.XContentTypeOptions = "nosniff";
}
