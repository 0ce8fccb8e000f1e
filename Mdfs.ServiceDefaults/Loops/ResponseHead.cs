using System.Text;
using Mdfs.ServiceDefaults.Content;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>The head of a response as a loop sends it: what the usual server would say.</summary>
public static class ResponseHead
{
    /// <summary>Of a movie, or of one range of it; null for every other answer, which the usual server gives.</summary>
    public static byte[]? Of(ContentAnswer answer, bool attachment)
    {
        if (!answer.IsContent || answer.Pieces is not [{ Head.Length: 0 }]) return null;
        return Of(answer.Decision.StatusCode, answer.Headers(attachment));
    }

    /// <param name="status">200 or 206.</param>
    public static byte[] Of(int status, IEnumerable<(string Name, string Value)> headers)
    {
        var text = new StringBuilder(512).Append(status == 200 ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 206 Partial Content\r\n");
        foreach (var (name, value) in headers) text.Append(name).Append(": ").Append(value).Append("\r\n");
        // Said of every answer (SecurityHeaders).
        return Encoding.ASCII.GetBytes(text.Append("X-Content-Type-Options: nosniff\r\n\r\n").ToString());
    }
}
