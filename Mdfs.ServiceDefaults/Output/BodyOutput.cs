using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Output;

/// <summary>
/// Where the bytes of a movie go: piece after piece is put into memory that is given for it, and sent. There is one way for all connections (<see cref="PipeOutput"/>) and a shorter one for
/// plain HTTP/1.1 on a socket (<see cref="SocketOutput"/>), chosen per response; nobody can tell from an answer which it was.
/// </summary>
public abstract class BodyOutput : IDisposable
{
    /// <summary>For a part of a response's body. Nothing is written, and the response not even started, before the first piece is sent.</summary>
    /// <param name="head">Sent in front of it.</param>
    /// <param name="length">Bytes that will be sent after the head: not more, and not fewer without aborting the connection.</param>
    public static BodyOutput Of(HttpContext context, ReadOnlyMemory<byte> head, long length) =>
        // Under TLS and HTTP/2 others write to the connection as well.
        HttpProtocol.IsHttp11(context.Request.Protocol) && context.Features.Get<ITlsHandshakeFeature>() is null && context.Features.Get<SocketWriter>() is { } socket
            ? new SocketOutput(context.Response, socket, head, length)
            : new PipeOutput(context.Response.BodyWriter, head);

    /// <summary>For a pipe, whoever reads it.</summary>
    public static BodyOutput Over(PipeWriter writer) => new PipeOutput(writer);

    /// <summary>Memory for the next piece; what was put into it before and not sent is lost.</summary>
    /// <param name="size">At least so many bytes.</param>
    public abstract Memory<byte> GetMemory(int size);

    /// <summary>Sends a part of the memory that was given last. Completes when the connection has taken it.</summary>
    /// <param name="skip">Bytes at the beginning of the memory that are not sent.</param>
    /// <param name="cancellation">Once it is cancelled the connection is given up, since nobody knows how much of the piece was sent.</param>
    /// <returns>Bytes that were sent: fewer than asked for after <see cref="GiveBack"/>, so that the rest has to be fetched anew. -1: nobody is there to take more.</returns>
    public abstract ValueTask<int> SendAsync(int skip, int count, CancellationToken cancellation);

    /// <summary>
    /// While a send waits for a client that takes nothing, and from any thread: the memory of what is not yet sent is given back where that can be done. The send ends when the client goes on.
    /// </summary>
    public virtual void GiveBack()
    {
    }

    /// <summary>Whether <see cref="SendFileAsync"/> may be called: once a first piece has been sent, and where the system has such a thing.</summary>
    public virtual bool TakesFiles => false;

    /// <summary>Sends a part of a file without anybody seeing it. Completes when the connection has taken it.</summary>
    /// <returns>Bytes that were sent: fewer than asked for where the file cannot be sent like this, so that somebody has to read it. -1: nobody is there to take more.</returns>
    public virtual ValueTask<long> SendFileAsync(SafeFileHandle file, long from, long count, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Gives the memory back.</summary>
    public abstract void Dispose();
}
