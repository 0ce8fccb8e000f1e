using System.Net;
using System.Net.Http;
using Mdfs.Protocol.Http;
using Mdfs.Protocol.Security;

namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>
/// The way on which nodes send one another movies and orders: HTTP/1.1 over pooled connections, without all that a browser would want. No proxy,
/// no redirects, no cookies, no decompression, no retries and no total time-out; silence is what ends a transfer (<see cref="SilenceWatch"/>).
/// The trace context travels along, no other header does. One per service, not static: two services may live in one process.
/// </summary>
public sealed class ByteClient : IDisposable
{
    /// <summary>How long a connection may take to come about.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    // Shorter than the 130 s after which Kestrel closes an idle connection, so that a request does not meet one that is being closed.
    internal static readonly TimeSpan MaxIdle = TimeSpan.FromSeconds(30);

    // Names are looked up again now and then; streams under way are not touched by it.
    internal static readonly TimeSpan MaxLife = TimeSpan.FromMinutes(10);

    // An invoker, not an HttpClient: that one has a total time-out of 100 s and may buffer answers.
    private readonly HttpMessageInvoker _invoker;
    private readonly WindowConnections _windows;
    private readonly TimeProvider _time;

    public ByteClient(TimeProvider time)
    {
        _time = time;
        _windows = new WindowConnections(time);
        _invoker = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                UseProxy = false,
                AllowAutoRedirect = false,
                UseCookies = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectTimeout = ConnectTimeout,
                ConnectCallback = ProbedConnection.OpenAsync,
                PooledConnectionIdleTimeout = MaxIdle,
                PooledConnectionLifetime = MaxLife,
                // A reader that stops early closes the connection, and the far side stops reading its disk at once.
                MaxResponseDrainSize = 0,
            },
            disposeHandler: true);
    }

    /// <summary>Sends and waits for the header of the answer, whatever its status. The caller disposes the answer.</summary>
    /// <param name="watch">Running or not, as the caller wants it; it is not touched here.</param>
    /// <exception cref="OperationCanceledException">The caller's own cancellation.</exception>
    public async Task<NodeAnswer<HttpResponseMessage>> SendAsync(HttpRequestMessage request, SilenceWatch watch)
    {
        request.Version = HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        try
        {
            return await _invoker.SendAsync(request, watch.Token);
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

    /// <summary>Opens a window of bytes. Anything but 200 with exactly the length that was asked for is a failure of the far side.</summary>
    /// <param name="address"><c>http://host:port</c>.</param>
    /// <param name="target">Path and query, exactly as the token was issued for.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="idle">The longest silence, before the header and between two pieces of the body.</param>
    /// <exception cref="OperationCanceledException">The caller's own cancellation.</exception>
    public async Task<NodeAnswer<ByteWindow>> OpenWindowAsync(
        string address, string target, string token, long length, TimeSpan idle, CancellationToken cancellation)
    {
        var watch = new SilenceWatch(idle, _time, cancellation);
        HttpResponseMessage? response = null;
        try
        {
            watch.Begin();
            var plain = await TryOpenPlainAsync(address, target, token, length, watch);
            if (plain.Failure is { } broken) return broken;
            if (plain.Value is { } taken)
            {
                watch = null!;
                return taken;
            }

            // Whatever else was said is understood here.
            using var request = new HttpRequestMessage(HttpMethod.Get, address + target);
            request.Headers.Add(NodeTokens.Header, token);
            var answer = await SendAsync(request, watch);
            if (!answer.Succeeded) return answer.Failure;

            response = answer.Value;
            if (response.StatusCode != HttpStatusCode.OK) return await NodeRefusals.ReadAsync(response, watch);
            if (response.Content.Headers.ContentLength != length)
            {
                return new NodeFailure.Malformed($"it offered {response.Content.Headers.ContentLength?.ToString() ?? "an unknown number of"} bytes instead of {length}");
            }
            watch.End();
            var window = new ByteWindow((await response.Content.ReadAsStreamAsync(cancellation)).ReadAsync, response.Dispose, length, watch);
            (response, watch) = (null, null!);
            return window;
        }
        finally
        {
            response?.Dispose();
            watch?.Dispose();
        }
    }

    public void Dispose()
    {
        _windows.Dispose();
        _invoker.Dispose();
    }

    /// <summary>Neither a window nor a failure: there is an answer, which is not as plain as that.</summary>
    private async ValueTask<(ByteWindow? Value, NodeFailure? Failure)> TryOpenPlainAsync(string address, string target, string token, long length, SilenceWatch watch)
    {
        try
        {
            var connection = await _windows.TryOpenAsync(address, target, token, length, watch.Token);
            if (connection is null) return default;
            watch.End();
            return (new ByteWindow(connection.ReadAsync, () => _windows.Release(address, connection), length, watch), null);
        }
        catch (InvalidDataException wrong)
        {
            return (null, new NodeFailure.Malformed(wrong.Message));
        }
        catch (Exception e) when (NodeFailure.Explains(e, watch, out var failure))
        {
            return (null, failure);
        }
        catch (Exception) when (watch.Cancelled)
        {
            throw new OperationCanceledException(watch.Token);
        }
    }
}
