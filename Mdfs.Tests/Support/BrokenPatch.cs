namespace Mdfs.Tests.Support;

/// <summary>A <c>PATCH</c> that stops in the middle, with its connection open: to be cut, or left hanging while something happens.</summary>
public sealed class BrokenPatch : IDisposable
{
    private readonly RawConnection _connection;

    private BrokenPatch(RawConnection connection) => _connection = connection;

    /// <summary>Announces <paramref name="announced"/> bytes and sends a part of them.</summary>
    public static async Task<BrokenPatch> StartAsync(MdfsClient client, string upload, long offset, long announced, ReadOnlyMemory<byte> sent, params (string Name, string Value)[] headers)
    {
        var cancelled = TestContext.Current.CancellationToken;
        var connection = await RawConnection.OpenAsync(client.Master, cancelled);
        await connection.WriteAsync(
            $"PATCH {upload} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {client.Admin}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
            + string.Concat(headers.Select(header => $"{header.Name}: {header.Value}\r\n"))
            + $"Content-Type: {TusClient.Octets}\r\nContent-Length: {announced}\r\n\r\n", cancelled);
        await connection.WriteAsync(sent, cancelled);
        return new BrokenPatch(connection);
    }

    /// <summary>The client's machine is gone.</summary>
    public void Cut() => _connection.Cut();

    /// <summary>No bytes follow.</summary>
    public void EndWriting() => _connection.EndWriting();

    /// <summary>What the server says to it until it closes the connection.</summary>
    public Task<string> ReadToEndAsync() => _connection.ReadToEndAsync(TestContext.Current.CancellationToken);

    public void Dispose() => _connection.Dispose();
}
