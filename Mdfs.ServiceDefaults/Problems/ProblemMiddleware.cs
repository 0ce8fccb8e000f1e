using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Problems;

/// <summary>
/// The last word on whatever goes wrong below it: no exception and no bare status reaches a client, and nothing of an exception's text.
/// An answer that has begun is aborted, never ended short (design, section 2, promise 3).
/// </summary>
public sealed partial class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> logger)
{
    // What nginx calls a client that went away. Nobody reads it; it keeps such requests apart in metrics and traces.
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception failure)
        {
            await AnswerAsync(context, failure);
            return;
        }

        var response = context.Response;
        if (response.StatusCode >= 400 && response is { HasStarted: false, ContentLength: null, ContentType: null })
        {
            await CommonProblems.ForStatus(response.StatusCode).ExecuteAsync(context);
        }
    }

    private async Task AnswerAsync(HttpContext context, Exception failure)
    {
        // Players leave in the middle of nearly every movie: not an error of anybody's.
        // A reset may be seen by who reads the body before the request is called aborted.
        if (failure is ConnectionResetException || (context.RequestAborted.IsCancellationRequested && failure is OperationCanceledException or IOException))
        {
            if (!context.Response.HasStarted) context.Response.StatusCode = ClientClosedRequest;
            return;
        }

        if (context.Response.HasStarted)
        {
            LogBroken(failure, context.Request.Method, RouteOf(context));
            context.Abort();
            return;
        }

        context.Response.Clear();
        SecurityHeaders.Apply(context.Response);
        if (failure is BadHttpRequestException bad)
        {
            await CommonProblems.BadRequest(bad).ExecuteAsync(context);
            return;
        }

        LogUnhandled(failure, context.Request.Method, RouteOf(context));
        await CommonProblems.Internal.ExecuteAsync(context);
    }

    // The route, not the path: a path may hold whatever somebody put there by mistake, a key for instance.
    private static string RouteOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Route} failed in a way nobody foresaw; the client was answered 500.")]
    private partial void LogUnhandled(Exception failure, string method, string route);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Route} failed after its answer had begun; the connection was aborted.")]
    private partial void LogBroken(Exception failure, string method, string route);
}
