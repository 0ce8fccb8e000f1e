using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Security;

namespace Mdfs.Master.Nodes;

/// <summary>Where workers report (design, section 6). Only for nodes: a body that is not our own record is answered <c>400</c>.</summary>
public static class BeatEndpoints
{
    public static void MapBeats(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(Routes.Master.Beats, BeatAsync).RequireNode(NodePurpose.Report).ExcludeFromDescription();
        routes.MapPost(Routes.Master.Inventory, InventoryAsync).RequireNode(NodePurpose.Report).ExcludeFromDescription();
    }

    private static async Task BeatAsync(HttpContext context, BeatConversation conversation, NodeTokens tokens)
    {
        var beat = Read(context, WireJson.Default.Beat);
        if (beat is null || beat.Node.Value != context.NodeToken().Sender)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        var reply = JsonSerializer.SerializeToUtf8Bytes(await conversation.AnswerAsync(beat, context.RequestAborted), WireJson.Default.BeatReply);
        context.Response.Headers[NodeTokens.SignatureHeader] = tokens.SignReply(beat.Nonce, reply);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = reply.Length;
        await context.Response.Body.WriteAsync(reply, context.RequestAborted);
    }

    private static async Task InventoryAsync(HttpContext context, BeatConversation conversation)
    {
        var page = Read(context, WireJson.Default.InventoryPage);
        if (page is null || page.Node.Value != context.NodeToken().Sender)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        var reply = JsonSerializer.SerializeToUtf8Bytes(conversation.TakePage(page), WireJson.Default.InventoryReply);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = reply.Length;
        await context.Response.Body.WriteAsync(reply, context.RequestAborted);
    }

    private static T? Read<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(context.NodeBody().Span, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
