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
    public static byte[] Of(int status, IReadOnlyList<(string Name, string Value)> headers)
    {
        var first = status == 200 ? "HTTP/1.1 200 OK\r\n"u8 : "HTTP/1.1 206 Partial Content\r\n"u8;
        // Said of every answer (SecurityHeaders).
        var last = "X-Content-Type-Options: nosniff\r\n\r\n"u8;
        var length = first.Length + last.Length;
        for (var i = 0; i < headers.Count; i++) length += headers[i].Name.Length + headers[i].Value.Length + 4;
        var head = new byte[length];
        first.CopyTo(head);
        var at = first.Length;
        for (var i = 0; i < headers.Count; i++)
        {
            at += Encoding.ASCII.GetBytes(headers[i].Name, head.AsSpan(at));
            ": "u8.CopyTo(head.AsSpan(at));
            at += 2;
            at += Encoding.ASCII.GetBytes(headers[i].Value, head.AsSpan(at));
            "\r\n"u8.CopyTo(head.AsSpan(at));
            at += 2;
        }

        last.CopyTo(head.AsSpan(at));
        return head;
    }
}
