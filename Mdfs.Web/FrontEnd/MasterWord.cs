using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Bytes;
using Mdfs.Web.Api;

namespace Mdfs.Web.FrontEnd;

/// <summary>What a front end says to the master in its own name, and is answered; null when the master is silent or says no.</summary>
internal sealed class MasterWord(ByteClient client, MasterAddresses addresses, FrontEndIdentity self, TimeProvider time)
{
    // A stream may be waiting for it, and can go on with those who were named before.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    /// <exception cref="OperationCanceledException">The caller's own cancellation.</exception>
    public Task<SourcesReply?> SourcesAsync(MovieVersion version, FileName name, CancellationToken cancellation)
    {
        var target = Routes.Master.SourcesPath(version, name);
        return AskAsync(HttpMethod.Get, target, self.Token(NodePurpose.Gateway, "GET", target), null, WireJson.Default.SourcesReply, cancellation);
    }

    /// <exception cref="OperationCanceledException">The caller's own cancellation.</exception>
    public Task<GatewayReply?> ReportAsync(GatewayReport report, CancellationToken cancellation)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(report, WireJson.Default.GatewayReport);
        return AskAsync(HttpMethod.Post, Routes.Master.Gateways, self.Token(NodePurpose.Report, "POST", Routes.Master.Gateways, body), body, WireJson.Default.GatewayReply, cancellation);
    }

    private async Task<T?> AskAsync<T>(HttpMethod method, string target, string token, byte[]? body, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        if (addresses.Current is not { } address) return null;
        using var watch = new SilenceWatch(_patience, time, cancellation);
        using var request = new HttpRequestMessage(method, address + target);
        request.Headers.Add(NodeTokens.Header, token);
        if (body is not null) request.Content = new ByteArrayContent(body);
        watch.Begin();
        var sent = await client.SendAsync(request, watch);
        if (!sent.Succeeded)
        {
            addresses.Rotate(address);
            return null;
        }

        using var response = sent.Value;
        if (response.StatusCode != HttpStatusCode.OK) return null;
        var text = await NodeRefusals.ReadShortAsync(response, watch);
        try
        {
            return text.Succeeded ? JsonSerializer.Deserialize(text.Value, type) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
