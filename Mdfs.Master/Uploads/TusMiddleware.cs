namespace Mdfs.Master.Uploads;

/// <summary>
/// What holds for every request below <c>/api/uploads</c> before it is routed and whatever it is answered: <c>X-HTTP-Method-Override</c> is the method (so that routing,
/// access and the guard against foreign pages all see that one), and every answer names the version of the protocol.
/// </summary>
public sealed class TusMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (!context.Request.Path.StartsWithSegments(UploadEndpoints.Root)) return next(context);
        if (context.Request.Headers[TusHeaders.MethodOverride].ToString().Trim() is { Length: > 0 and <= 16 } method && method.All(char.IsAsciiLetter))
            context.Request.Method = method.ToUpperInvariant();
        // The other protocol has no such header.
        if (DraftHeaders.AreMeant(context.Request)) return next(context);
        context.Response.OnStarting(static state =>
        {
            ((HttpResponse)state).Headers[TusHeaders.TusResumable] = TusHeaders.Version;
            return Task.CompletedTask;
        }, context.Response);
        return next(context);
    }
}
