using System.Text;
using Microsoft.AspNetCore.Http;

namespace Mdfs.ServiceDefaults.Problems;

/// <summary>A plain sentence, as the classic routes answer (<c>OK:2</c>, <c>Unauthorized</c>, a checksum).</summary>
public sealed record ClassicText(int Status, string Text) : IResult, IStatusCodeHttpResult
{
    public const string MediaType = "text/plain; charset=utf-8";

    int? IStatusCodeHttpResult.StatusCode => Status;

    public static ClassicText Ok(string text) => new(StatusCodes.Status200OK, text);

    public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext, Status, Text);

    internal static async Task WriteAsync(HttpContext context, int status, string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = MediaType;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
