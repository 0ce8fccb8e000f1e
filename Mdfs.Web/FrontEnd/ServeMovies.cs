using System.Diagnostics;
using Mdfs.Gateway;
using Mdfs.Protocol.Security;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Security;
using Mdfs.ServiceDefaults.Telemetry;
using Mdfs.Web.Forwarding;
using Microsoft.AspNetCore.Http.Features;

namespace Mdfs.Web.FrontEnd;

/// <summary>
/// Sends movies without the master in the way of their bytes (docs/decisions/front-ends.md): it is asked once per request what the movie is and who has it, and the rest goes as it does there.
/// </summary>
internal sealed partial class ServeMovies(
    MasterForwarder forwarder, EntryCache cache, MovieGateway gateway, MasterWord master, StreamReports reports, FrontEndIdentity self, NodeTokens tokens, ConsoleProof proof,
    ILogger<ServeMovies> logger)
{
    private readonly MovieQuestion _question = new(proof, self, tokens, cache);

    public void Map(IEndpointRouteBuilder routes)
    {
        // GET alone: HEAD is answered by the master from memory, and there is nothing to be saved.
        Map("/download", static context => context.Request.Query["name"].ToString(), attachment: true);
        Map("/play", static context => context.Request.Query["name"].ToString(), attachment: false);
        Map("/api/files/{name}/content", static context => $"{context.GetRouteValue("name")}", attachment: false);
        Map("/index/{name}", static context => $"{context.GetRouteValue("name")}", attachment: false);

        void Map(string path, Func<HttpContext, string> nameOf, bool attachment) =>
            routes.MapGet(path, context => ServeAsync(context, nameOf(context), attachment)).AuthorisedByHandler("the master decides");
    }

    /// <param name="name">What it is remembered by; the master reads the request itself.</param>
    private async Task ServeAsync(HttpContext context, string name, bool attachment)
    {
        if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget is not ['/', ..])
        {
            await forwarder.ForwardAsync(context);
            return;
        }

        var asked = new MovieAsked(name, cache.Find(name));
        context.Features.Set(asked);
        await forwarder.ForwardAsync(context, _question);
        if (asked.BrokenOff) await WebProblems.MasterAway.ExecuteAsync(context);
        if (asked.Told is not { } entry) return;

        Activity.Current?.Rename("read from the workers");
        var answer = ContentAnswer.To(context.Request, entry.Replica, asked.ToldAt);
        if (await gateway.SendAsync(context, answer, new ToldMovie(entry, master, reports), attachment) == MovieOutcome.Answered) return;

        // Whoever has it does not give it to us: it was deleted a moment ago, or the workers cannot be reached from here. The master knows, and can.
        LogNotReached(entry.Replica.Version);
        context.Response.Clear();
        await forwarder.ForwardAsync(context);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No worker gave this front end version {Version}, so the master was asked to. If that happens often, this process cannot reach the workers' addresses: let it, or set Mdfs:Gateway:Enabled to false.")]
    private partial void LogNotReached(Protocol.Versions.MovieVersion version);
}
