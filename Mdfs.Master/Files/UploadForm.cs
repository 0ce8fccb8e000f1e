using System.Text.RegularExpressions;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Master.Files;

/// <summary>
/// The classic multipart form (field <c>secret</c>, file field <c>movie</c>), read as a stream: the file is handed on while it arrives, so the key
/// has to come before it, in the form, in a header or in the query.
/// </summary>
public static partial class UploadForm
{
    internal const string FileField = "movie";

    /// <summary>A key is short; a form field that is not is nobody's key.</summary>
    private const int MaxFieldBytes = 4096;

    /// <summary>Finds the file part; or says why there is none that may be read.</summary>
    /// <param name="patience">The longest silence in front of it.</param>
    public static async Task<(FileMultipartSection? File, string? RawName, Problem? Refusal)> ReadAsync(HttpContext context, KeyGuard keys, TimeSpan patience, TimeProvider time)
    {
        var head = new FormHead(context.Request.Body, patience, time, context.RequestAborted);
        try
        {
            return await FindAsync(context, keys, head);
        }
        catch (OperationCanceledException) when (head.Expired)
        {
            return (null, null, FileProblems.TooSlow);
        }
        catch (InvalidDataException) when (head.TooMuch)
        {
            return (null, null, FileProblems.SecretTooLate);
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException and not BadHttpRequestException && !context.RequestAborted.IsCancellationRequested)
        {
            return (null, null, FileProblems.BadUpload("The form cannot be read: its boundaries, the headers of its parts or its end are not as multipart/form-data has them."));
        }
        finally
        {
            head.Pass();
        }
    }

    private static async Task<(FileMultipartSection? File, string? RawName, Problem? Refusal)> FindAsync(HttpContext context, KeyGuard keys, FormHead head)
    {
        var keyless = keys.RefuseAdmin(context);
        if (keyless is not null && KeyGuard.Presented(context) is not null) return (null, null, keyless);
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= 200 } boundary)
        {
            // No form, so no key in it either.
            if (keyless is not null) return (null, null, keyless);
            return (null, null, FileProblems.BadUpload("Send the movie as multipart/form-data with a file field 'movie', or as a raw body to PUT /api/files/{name}."));
        }

        var reader = new MultipartReader(boundary, head, 64 << 10) { HeadersCountLimit = 32, HeadersLengthLimit = 16 << 10, BodyLengthLimit = null };
        if (keyless is null) head.Trust();
        while (await reader.ReadNextSectionAsync(context.RequestAborted) is { } section)
        {
            if (section.GetContentDispositionHeader() is not { } disposition) continue;
            var field = HeaderUtilities.RemoveQuotes(disposition.Name).Value;
            if (disposition.IsFileDisposition() && section.AsFileSection() is { } file)
            {
                if (field != FileField) continue;
                if (keyless is not null) return (null, null, FileProblems.SecretTooLate);
                return (file, NameOf(disposition), null);
            }

            if (field != KeyGuard.Field) continue;
            var key = await ReadFieldAsync(section, context.RequestAborted);
            if (keys.RefuseAdmin(context, key) is { } refusal) return (null, null, refusal);
            keyless = null;
            head.Trust();
        }

        if (keyless is not null) return (null, null, keyless);
        return (null, null, FileProblems.BadUpload("The form has no file field named 'movie'."));
    }

    /// <summary>Browsers send the name as it is, in UTF-8; <c>filename*</c> (RFC 8187) wins where it is given.</summary>
    private static string? NameOf(ContentDispositionHeaderValue disposition)
    {
        if (disposition.FileNameStar.HasValue) return disposition.FileNameStar.Value;
        // Its quotes are off already; the pairs in it are as they were sent.
        return disposition.FileName.Value is { } name ? Unescape(name) : null;
    }

    /// <summary>
    /// Of a quoted-string's pairs (RFC 9110, 5.6.4) only those that have to be: a backslash before anything else is the path of a client that
    /// sends one, and must stay visible, to be refused as part of a name.
    /// </summary>
    private static string Unescape(string quoted) =>
        Uncoded(quoted.Contains('\\') ? EscapedPair().Replace(quoted, "$1") : quoted);

    /// <summary>What browsers and curl write for the three characters that would end a name (WHATWG HTML, multipart/form-data encoding algorithm).</summary>
    private static string Uncoded(string name) => !name.Contains('%') ? name : name
        .Replace("%22", "\"", StringComparison.Ordinal)
        .Replace("%0D", "\r", StringComparison.OrdinalIgnoreCase)
        .Replace("%0A", "\n", StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"\\([""\\])")]
    private static partial Regex EscapedPair();

    private static async Task<string?> ReadFieldAsync(MultipartSection section, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxFieldBytes + 1];
        var length = await section.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length > MaxFieldBytes ? null : System.Text.Encoding.UTF8.GetString(buffer, 0, length);
    }

    private static bool IsFileDisposition(this ContentDispositionHeaderValue disposition) => disposition.FileName.HasValue || disposition.FileNameStar.HasValue;
}
