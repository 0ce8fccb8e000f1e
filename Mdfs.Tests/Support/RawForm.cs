using System.Net.Http.Headers;
using System.Text;

namespace Mdfs.Tests.Support;

/// <summary>A multipart form whose every byte the test decides, for what well-bred clients never send.</summary>
public sealed class RawForm
{
    private const string Boundary = "----a boundary of the tests";

    private readonly MemoryStream _body = new();

    public RawForm Field(string name, string value) => Part($"Content-Disposition: form-data; name=\"{name}\"", Encoding.UTF8.GetBytes(value));

    /// <param name="filename">The parameters behind the field's name, as they stand in the header: <c>filename="…"</c>.</param>
    public RawForm File(string filename, byte[] bytes, string field = "movie") =>
        Part($"Content-Disposition: form-data; name=\"{field}\"; {filename}\r\nContent-Type: application/octet-stream", bytes);

    /// <summary>As browsers write a name into a form.</summary>
    public static string AsBrowsersDo(string name) =>
        $"filename=\"{name.Replace("\"", "%22", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal)}\"";

    /// <summary>RFC 8187, with a plain name beside it for servers that know no better.</summary>
    public static string Extended(string name) => $"filename=\"plain.mp4\"; filename*=UTF-8''{Uri.EscapeDataString(name)}";

    /// <param name="whole">False: the closing boundary is missing.</param>
    public HttpContent ToContent(bool whole = true)
    {
        if (whole)
            Write($"--{Boundary}--\r\n");
        var content = new ByteArrayContent(_body.ToArray());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse($"multipart/form-data; boundary=\"{Boundary}\"");
        return content;
    }

    private RawForm Part(string headers, byte[] bytes)
    {
        Write($"--{Boundary}\r\n{headers}\r\n\r\n");
        _body.Write(bytes);
        Write("\r\n");
        return this;
    }

    private void Write(string text) => _body.Write(Encoding.UTF8.GetBytes(text));
}
