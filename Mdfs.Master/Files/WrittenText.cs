using System.Text;

namespace Mdfs.Master.Files;

/// <summary>An answer of text that is written while it is made, however long it gets.</summary>
public sealed record WrittenText(string ContentType, Func<TextWriter, Task> Write) : IResult
{
    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = ContentType;
        httpContext.Response.Headers.CacheControl = "no-cache";
        if (HttpMethods.IsHead(httpContext.Request.Method)) return;
        await using var writer = new StreamWriter(httpContext.Response.Body, _utf8, bufferSize: 16 * 1024, leaveOpen: true);
        await Write(writer);
    }
}
