using System.Globalization;

namespace Mdfs.Master.Uploads;

/// <summary>The header fields of draft-ietf-httpbis-resumable-upload, interop version 8, as far as they are read and written here: structured fields (RFC 9651).</summary>
public static class DraftHeaders
{
    public const string InteropVersion = "8";
    public const string ContentType = "application/partial-upload";
    public const string UploadDraftInteropVersion = "Upload-Draft-Interop-Version";
    public const string UploadComplete = "Upload-Complete";
    public const string UploadLimit = "Upload-Limit";

    /// <summary>A request that speaks the draft and not tus.</summary>
    public static bool AreMeant(HttpRequest request) =>
        !request.Headers.ContainsKey(TusHeaders.TusResumable)
        && (request.Headers.ContainsKey(UploadDraftInteropVersion) || request.Headers.ContainsKey(UploadComplete));

    /// <summary>A boolean; anything else counts as if the field were not there (section "Completeness").</summary>
    public static bool? Boolean(HttpRequest request, string header) => request.Headers[header].ToString().Trim() switch { "?1" => true, "?0" => false, _ => null };

    /// <summary>An integer not below zero, of at most 15 digits; anything else counts as if the field were not there.</summary>
    public static long? Integer(HttpRequest request, string header) =>
        request.Headers[header].ToString().Trim() is { Length: > 0 and <= 15 } text && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static string Of(bool value) => value ? "?1" : "?0";

    /// <param name="left">How long the upload still waits for its next piece; null where there is no upload yet.</param>
    public static string Limit(MasterOptions options, TimeSpan? left) => string.Create(
        CultureInfo.InvariantCulture, $"max-size={Math.Min(options.MaxFileSize, 999_999_999_999_999)}{(left is { } time ? $", max-age={Math.Max(0, (long)time.TotalSeconds)}" : "")}");
}
