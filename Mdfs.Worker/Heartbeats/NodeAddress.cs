using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Heartbeats;

/// <summary>How other nodes reach this one: as configured, else where it turned out to listen.</summary>
internal sealed class NodeAddress
{
    private readonly TaskCompletionSource<string> _known = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NodeAddress(IServer server, IHostApplicationLifetime lifetime, IOptions<WorkerOptions> options)
    {
        if (options.Value.AdvertisedUrl is { Length: > 0 } advertised) _known.SetResult(advertised.TrimEnd('/'));
        // A port of 0 is known only when the server listens.
        else lifetime.ApplicationStarted.Register(() => _known.TrySetResult(Listening(server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [])));
    }

    /// <summary><c>http://host:port</c>, without a slash at the end; waits for the server to listen.</summary>
    public Task<string> GetAsync(CancellationToken cancellation) => _known.Task.WaitAsync(cancellation);

    /// <summary>From what the server listens on; plain HTTP first, since the certificate of a bare address is rarely one that others trust.</summary>
    internal static string Listening(ICollection<string> addresses)
    {
        var address = addresses.FirstOrDefault(static one => one.StartsWith("http://", StringComparison.OrdinalIgnoreCase)) ?? addresses.FirstOrDefault()
            ?? throw new InvalidOperationException("This worker listens nowhere. Set ASPNETCORE_URLS or Mdfs:Worker:AdvertisedUrl.");
        var scheme = address[..address.IndexOf("://", StringComparison.Ordinal)];
        var rest = address[(scheme.Length + 3)..].TrimEnd('/');
        var colon = rest.LastIndexOf(':');
        var (host, port) = colon > rest.LastIndexOf(']') ? (rest[..colon], rest[colon..]) : (rest, "");
        // "Any address" is where it listens, not where anybody could call.
        if (host is "+" or "*" or "[::]" or "0.0.0.0" or "::") host = Dns.GetHostName();
        return $"{scheme}://{host}{port}";
    }
}
