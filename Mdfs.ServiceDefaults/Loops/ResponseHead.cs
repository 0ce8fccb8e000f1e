using System.Runtime.CompilerServices;
using System.Text;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Content;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>The head of a response as a loop sends it: what the usual server would say.</summary>
public static class ResponseHead
{
    // What was written of versions that were asked for lately: nearly all of a head, and the same for each of the ranges that a player asks for.
    private static readonly Written?[] _written = new Written?[256];

    // Said of every answer (SecurityHeaders).
    private static ReadOnlySpan<byte> Last => "X-Content-Type-Options: nosniff\r\n\r\n"u8;

    /// <summary>Of a movie, or of one range of it; null for every other answer, which the usual server gives.</summary>
    public static byte[]? Of(ContentAnswer answer, bool attachment)
    {
        if (!answer.IsContent || answer.Pieces is not [{ Head.Length: 0 }]) return null;
        var (replica, isDated) = answer.LastingOf;
        ref var place = ref _written[((RuntimeHelpers.GetHashCode(replica) * 2) + (attachment ? 1 : 0)) & (_written.Length - 1)];
        // One instance describes one version for good.
        if (Volatile.Read(ref place) is not { } known || known.Replica != (object)replica || known.IsDated != isDated || known.Attachment != attachment)
            Volatile.Write(ref place, known = new Written(replica, isDated, attachment, Lines(answer.Lasting(attachment))));
        return Of(answer.Decision.StatusCode, answer.Passing(), known.Lines);
    }

    /// <param name="status">200 or 206.</param>
    public static byte[] Of(int status, IReadOnlyList<(string Name, string Value)> headers) => Of(status, headers, []);

    private static byte[] Of(int status, IReadOnlyList<(string Name, string Value)> headers, ReadOnlySpan<byte> more)
    {
        var first = status == 200 ? "HTTP/1.1 200 OK\r\n"u8 : "HTTP/1.1 206 Partial Content\r\n"u8;
        var head = new byte[first.Length + LengthOf(headers) + more.Length + Last.Length];
        first.CopyTo(head);
        var at = first.Length + Write(headers, head.AsSpan(first.Length));
        more.CopyTo(head.AsSpan(at));
        Last.CopyTo(head.AsSpan(at + more.Length));
        return head;
    }

    private static byte[] Lines(IReadOnlyList<(string Name, string Value)> headers)
    {
        var lines = new byte[LengthOf(headers)];
        Write(headers, lines);
        return lines;
    }

    private static int LengthOf(IReadOnlyList<(string Name, string Value)> headers)
    {
        var length = 0;
        for (var i = 0; i < headers.Count; i++) length += headers[i].Name.Length + headers[i].Value.Length + 4;
        return length;
    }

    private static int Write(IReadOnlyList<(string Name, string Value)> headers, Span<byte> into)
    {
        var at = 0;
        for (var i = 0; i < headers.Count; i++)
        {
            at += Encoding.ASCII.GetBytes(headers[i].Name, into[at..]);
            ": "u8.CopyTo(into[at..]);
            at += 2;
            at += Encoding.ASCII.GetBytes(headers[i].Value, into[at..]);
            "\r\n"u8.CopyTo(into[at..]);
            at += 2;
        }

        return at;
    }

    private sealed record Written(ReplicaDescription Replica, bool IsDated, bool Attachment, byte[] Lines);
}
