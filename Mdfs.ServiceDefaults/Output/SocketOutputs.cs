using System.IO.Pipelines;
using Mdfs.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;

namespace Mdfs.ServiceDefaults.Output;

/// <summary>Lets responses on plain connections go straight to their sockets (docs/decisions/socket-output.md). What the server does with a connection stays as it is.</summary>
internal static class SocketOutputs
{
    /// <summary>Whether to (true unless said otherwise): a way back for an operator, and for tests a way to ask both.</summary>
    public const string Setting = "Mdfs:SocketOutput";

    public static void WriteToSockets(this WebApplicationBuilder builder)
    {
        if (!SettingException.Read(builder.Configuration, Setting, true)) return;
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.ConfigureEndpointDefaults(static listen => listen.Use(static next => connection => ServeAsync(connection, next))));
    }

    private static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<IConnectionSocketFeature>() is not { } feature)
        {
            await next(connection);
            return;
        }

        var original = connection.Transport;
        var writer = new SocketWriter(feature.Socket, connection, original.Output);
        connection.Features.Set(writer);
        connection.Transport = new Duplex(original.Input, writer);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = original;
            await writer.FinishAsync();
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
