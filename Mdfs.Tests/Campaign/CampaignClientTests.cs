using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mdfs.Tests.Campaign;

/// <summary>What a client of the campaign writes down must be what it knows: a deletion that may have happened and is held for refused makes the checker cry without reason.</summary>
public sealed class CampaignClientTests
{
    private static readonly byte[] _refusal = Encoding.ASCII.GetBytes("HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: 38\r\n\r\n{\"type\":\"urn:mdfs:problem:not-there1\"}");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_master_that_dies_with_a_request_in_its_hands_may_have_carried_it_out()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var history = new History();
        using var client = new CampaignClient(history, ["a.mp4"], new Uri($"http://{listener.LocalEndpoint}"), "key", seed: 1);

        // The first answer leaves a connection that could be used again.
        var first = client.DeleteAsync("a.mp4");
        using var connection = await listener.AcceptSocketAsync(Cancelled);
        await ReadAsync(connection);
        await connection.SendAsync(_refusal, Cancelled);
        await first;

        var second = client.DeleteAsync("a.mp4");
        using var dying = await Task.WhenAny(AgainAsync(), listener.AcceptSocketAsync(Cancelled).AsTask()).Unwrap();
        if (dying != connection) await ReadAsync(dying);
        listener.Stop();
        // Not reset: what is closed without a word is what makes .NET try again.
        dying.Shutdown(SocketShutdown.Both);
        dying.Close();
        await second;

        Assert.Equal([Ending.Refused, Ending.Unknown], history.Changes.Select(change => change.Ending));
        client.Dispose();
        var third = new CampaignClient(history, ["a.mp4"], new Uri("http://127.0.0.1:1"), "key", seed: 1);
        await third.DeleteAsync("a.mp4");
        third.Dispose();
        // Nobody is there at all: that is known.
        Assert.Equal(Ending.Refused, history.Changes[^1].Ending);

        async Task<Socket> AgainAsync()
        {
            // A connection that is closed says so with nothing; that is no second request.
            if (await ReadAsync(connection) == 0) await Task.Delay(Timeout.Infinite, Cancelled);
            return connection;
        }
    }

    private static async Task<int> ReadAsync(Socket socket) => await socket.ReceiveAsync(new byte[4096], Cancelled);
}
