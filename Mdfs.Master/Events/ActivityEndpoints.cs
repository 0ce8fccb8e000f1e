using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using Mdfs.Master.Files;
using Mdfs.Master.Status;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Events;

/// <summary>What the console tells.</summary>
/// <param name="Kind"><c>signed-in</c>, <c>sign-in-failed</c> or <c>signed-out</c>.</param>
/// <param name="Actor">Who: an address, at most 100 characters.</param>
/// <param name="Detail">A sentence part, at most 300 characters.</param>
public sealed record ActivityNote(string? Kind, string? Actor, string? Detail);

/// <summary>Who did what, and what the cluster did by itself; for admins.</summary>
public static class ActivityEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;
    private const int LongestActor = 100;
    private const int LongestDetail = 300;

    public static void MapActivity(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/activity", List).RequireAdmin().WithTags("Cluster").WithSummary("What has happened")
            .WithDescription("Uploads, deletions, sign-ins, nodes that came and went, healing; the newest first, the latest 10000 are kept. Healing of many movies is told together.")
            .Answers(200, "Entries, and where older ones begin.", ApiExamples.Activity)
            .Refuses(FileProblems.BadParameter($"limit must be a whole number from 1 to {MaxLimit}."));
        routes.MapPost("/api/activity", NoteAsync).RequireAdmin().WithTags("Cluster").Accepts<ActivityNote>("application/json")
            .WithSummary("Note what the console's users did").WithDescription("Only signed-in, sign-in-failed and signed-out; everything else the master sees for itself.")
            .Answers(204, "Noted.")
            .Refuses(FileProblems.BadParameter($"kind must be one of {string.Join(", ", ActivityKinds.OfConsole)}."));
    }

    private static IResult List(
        [Description("1 to 1000, default 100.")] string? limit,
        [Description("The 'next' of the page before.")] string? before,
        [Description("Only these kinds, separated by commas.")] string? kind,
        ActivityLog log)
    {
        var count = DefaultLimit;
        if (!string.IsNullOrEmpty(limit) && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is < 1 or > MaxLimit))
            return FileProblems.BadParameter($"limit must be a whole number from 1 to {MaxLimit}.");
        long? bound = null;
        if (!string.IsNullOrEmpty(before))
        {
            if (!long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return FileProblems.BadParameter("before must be the 'next' of an earlier page.");
            bound = number;
        }

        var kinds = (kind ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return kinds.Except(ActivityKinds.All).Any()
            ? FileProblems.BadParameter($"kind must be one of {string.Join(", ", ActivityKinds.All)}, or several with commas between them.")
            : TypedResults.Ok(log.Page(count, bound, kinds));
    }

    private static async Task<IResult> NoteAsync(HttpContext context, ActivityLog log, IOptions<AdminKeyOptions> keys)
    {
        ActivityNote? note;
        try
        {
            note = await context.Request.ReadFromJsonAsync<ActivityNote>(context.RequestAborted);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return FileProblems.BadParameter("The body must be a JSON object with kind, actor and detail.");
        }

        if (note?.Kind is not { } kind || !ActivityKinds.OfConsole.Contains(kind)) return FileProblems.BadParameter($"kind must be one of {string.Join(", ", ActivityKinds.OfConsole)}.");
        log.Note(kind, actor: Clean(note.Actor, LongestActor, keys.Value), detail: Clean(note.Detail, LongestDetail, keys.Value));
        return TypedResults.NoContent();
    }

    /// <summary>One line, not too long, and never a key: who mistypes his name types the key into the wrong field.</summary>
    private static string? Clean(string? text, int longest, AdminKeyOptions keys)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        foreach (var key in new[] { keys.AdminKey, keys.ReaderKey })
        {
            if (!string.IsNullOrEmpty(key)) text = text.Replace(key, "…", StringComparison.Ordinal);
        }

        var line = string.Concat(text.Select(static letter => char.IsControl(letter) ? ' ' : letter)).Trim();
        return line.Length <= longest ? line : line[..longest];
    }
}
