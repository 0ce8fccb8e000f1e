using Mdfs.Gateway.Sources;
using Mdfs.Protocol;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Bytes;
using Microsoft.Extensions.Options;

namespace Mdfs.Gateway.Streams;

/// <summary>Asks workers for windows of sealed replicas.</summary>
public sealed class WindowClient(ByteClient bytes, IWindowPass pass, IOptions<StreamOptions> options)
{
    /// <param name="begun">Whether its reader has had bytes of this version already; only then may the rest come from a trash.</param>
    /// <exception cref="OperationCanceledException">The caller's own cancellation.</exception>
    public Task<NodeAnswer<ByteWindow>> OpenAsync(ReplicaCandidate source, MovieVersion version, long from, long length, bool begun, CancellationToken cancellation)
    {
        var target = Routes.Worker.WindowPath(version, from, length, begun);
        return bytes.OpenWindowAsync(source.Worker.Address, target, pass.For(source, target), length, options.Value.IdleTimeout, cancellation);
    }
}

/// <summary>By what a worker knows that it may give a window.</summary>
public interface IWindowPass
{
    /// <summary>The token to be sent along.</summary>
    /// <param name="target">Path and query of the request.</param>
    string For(in ReplicaCandidate source, string target);
}
