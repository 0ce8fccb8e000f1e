using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>The worker's own <c>/download</c>: the same decision and the same headers as the master's (RFC 9110), over the replica that is here.</summary>
internal static class DownloadEndpoint
{
    public static async Task<IResult> SendAsync(string? name, HttpContext context, Inventory inventory, WindowFindings replicas, WindowSender sender, MasterClock clock)
    {
        if (ClassicEndpoints.Find(inventory, name) is not { } held) return ClassicEndpoints.NotHere;
        using var reader = replicas.Open(held.Report.Replica.Version);
        return reader is null ? ClassicEndpoints.NotHere : await AnswerAsync(context, held.Report.Replica, reader, sender, clock, attachment: true);
    }

    /// <summary>Answers a client, whoever let it in.</summary>
    internal static async Task<IResult> AnswerAsync(
        HttpContext context, ReplicaDescription replica, ReplicaReader reader, WindowSender sender, MasterClock clock, bool attachment)
    {
        var answer = ContentAnswer.To(context.Request, replica, DateTimeOffset.FromUnixTimeMilliseconds(clock.Now));
        if (answer.Pieces.Count == 0)
        {
            answer.Describe(context.Response, attachment);
            return answer.Refusal is { } refusal ? refusal : TypedResults.Empty;
        }

        var (head, range) = answer.Pieces[0];
        var begun = await sender.TrySendAsync(context, reader, range.From, range.Length, response => answer.Describe(response, attachment), head);
        if (!begun) return new ClassicText(StatusCodes.Status502BadGateway, "This copy is damaged there; the master has others.");
        foreach (var piece in answer.Pieces.Skip(1))
        {
            if (!await sender.AppendAsync(context, reader, piece.Range.From, piece.Range.Length, piece.Head)) return TypedResults.Empty;
        }

        if (answer.Closing.Length > 0) await context.Response.BodyWriter.WriteAsync(answer.Closing, context.RequestAborted);
        return TypedResults.Empty;
    }
}
