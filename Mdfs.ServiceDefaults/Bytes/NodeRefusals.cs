using System.Net.Http;
using System.Text.Json;
using Mdfs.Protocol.Wire;

namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>Reads short answers of other nodes, without trusting their length.</summary>
public static class NodeRefusals
{
    /// <summary>The longest answer to a control call that is read, in bytes.</summary>
    public const int MaxAnswer = 1 << 20;

    /// <summary>What an answer that is not a success says.</summary>
    public static async Task<NodeFailure> ReadAsync(HttpResponseMessage response, SilenceWatch watch)
    {
        var status = (int)response.StatusCode;
        if (status < 400) return new NodeFailure.Malformed($"it answered {status} where that has no meaning");

        var body = await ReadShortAsync(response, watch);
        if (!body.Succeeded) return body.Failure is NodeFailure.Malformed ? Bare(status) : body.Failure;
        try
        {
            return JsonSerializer.Deserialize(body.Value, WireJson.Default.NodeRefusal) is { Code: not null, Message: not null } refusal
                ? new NodeFailure.Refused(status, refusal)
                : Bare(status);
        }
        catch (JsonException)
        {
            return Bare(status);
        }
    }

    /// <summary>The whole body, if it is short.</summary>
    /// <exception cref="OperationCanceledException">The caller's own cancellation.</exception>
    public static async Task<NodeAnswer<byte[]>> ReadShortAsync(HttpResponseMessage response, SilenceWatch watch)
    {
        if (response.Content.Headers.ContentLength > MaxAnswer) return new NodeFailure.Malformed("its answer is far too long");
        try
        {
            using var kept = new MemoryStream();
            var buffer = new byte[4096];
            await using var body = await response.Content.ReadAsStreamAsync(watch.Token);
            for (int read; (read = await body.ReadAsync(buffer, watch.Token)) > 0;)
            {
                if (kept.Length + read > MaxAnswer) return new NodeFailure.Malformed("its answer is far too long");
                kept.Write(buffer, 0, read);
            }
            return kept.ToArray();
        }
        catch (Exception e) when (NodeFailure.Explains(e, watch, out var failure))
        {
            return failure;
        }
        catch (Exception) when (watch.Cancelled)
        {
            throw new OperationCanceledException(watch.Token);
        }
    }

    private static NodeFailure.Refused Bare(int status) => new(status, new NodeRefusal($"http-{status}", "it gave no reason"));
}
