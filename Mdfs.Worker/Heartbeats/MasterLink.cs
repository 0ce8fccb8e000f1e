using System.Net;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Heartbeats;

/// <summary>What the master answered, and the signature it came with.</summary>
internal sealed record MasterAnswer(byte[] Body, string? Signature);

/// <summary>Carries reports to the master, signed for it. A clock that is off costs one more round trip, once.</summary>
internal sealed class MasterLink(
    ByteClient client, MasterAddresses addresses, NodeTokens tokens, NodeMemory memory, MasterClock clock, TimeProvider time)
{
    /// <summary>Carries a report's nonce.</summary>
    public const string NonceHeader = "X-Mdfs-Nonce";

    // A reply holds orders and tombstones; what is longer is none.
    private const int MostBytes = 16 << 20;

    // Longer than a master takes for anything it does while it answers, shorter than the time after which it calls this node dead.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(8);

    public async Task<NodeAnswer<MasterAnswer>> PostAsync(string route, byte[] body, string nonce, CancellationToken cancellation)
    {
        var address = addresses.Current;
        var (answer, timeTold) = await TryAsync(address, route, body, nonce, cancellation);
        if (timeTold) (answer, _) = await TryAsync(address, route, body, nonce, cancellation);
        return answer;
    }

    private async Task<(NodeAnswer<MasterAnswer> Answer, bool TimeTold)> TryAsync(string address, string route, byte[] body, string nonce, CancellationToken cancellation)
    {
        var token = tokens.Issue(NodePurpose.Report, "POST", route, memory.Id.Value, NodeTokens.Master, memory.Facts.Epoch, clock.Now, body);
        using var watch = new SilenceWatch(_patience, time, cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Post, address + route) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add(NodeTokens.Header, token);
        request.Headers.Add(NonceHeader, nonce);
        watch.Begin();
        var sent = await client.SendAsync(request, watch);
        if (!sent.Succeeded) return (sent.Failure, false);
        using var response = sent.Value;
        if (response.StatusCode == HttpStatusCode.OK) return (await ReadAsync(response, watch), false);
        if (response.StatusCode != HttpStatusCode.Unauthorized || !NodeTime.TryRead(response.Headers, tokens, token, out var now)) return (await NodeRefusals.ReadAsync(response, watch), false);
        clock.Set(now);
        return (await NodeRefusals.ReadAsync(response, watch), true);
    }

    private static async Task<NodeAnswer<MasterAnswer>> ReadAsync(HttpResponseMessage response, SilenceWatch watch)
    {
        try
        {
            using var kept = new MemoryStream();
            await using var body = await response.Content.ReadAsStreamAsync(watch.Token);
            var buffer = new byte[16 << 10];
            for (int read; (read = await body.ReadAsync(buffer, watch.Token)) > 0;)
            {
                if (kept.Length + read > MostBytes) return new NodeFailure.Malformed("its answer is far too long");
                kept.Write(buffer, 0, read);
            }

            var signature = response.Headers.TryGetValues(NodeTokens.SignatureHeader, out var values) ? values.FirstOrDefault() : null;
            return new MasterAnswer(kept.ToArray(), signature);
        }
        catch (Exception error) when (NodeFailure.Explains(error, watch, out var failure))
        {
            return failure;
        }
    }
}
