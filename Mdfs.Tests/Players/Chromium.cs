using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Players;

/// <summary>A headless Chromium with one <c>&lt;video&gt;</c> in an empty page, steered by its DevTools protocol.</summary>
internal sealed partial class Chromium : IAsyncDisposable
{
    private readonly ServiceProcess _process;
    private readonly ClientWebSocket _socket = new();
    private int _request;

    private Chromium(ServiceProcess process) => _process = process;

    public static async Task<Chromium> StartAsync(string directory, CancellationToken cancellationToken)
    {
        var chromium = new Chromium(ServiceProcess.Run(Tools.RequireBrowser(),
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio", "--no-first-run", "--remote-debugging-port=0", $"--user-data-dir={directory}", "about:blank",
        ]));
        try
        {
            var listening = await chromium._process.WaitForOutputAsync(Listening(), cancellationToken);
            using var http = new HttpClient();
            var pages = await http.GetFromJsonAsync<JsonElement>(new Uri($"http://127.0.0.1:{listening.Groups[1].Value}/json/list"), cancellationToken);
            var page = pages.EnumerateArray().First(target => target.GetProperty("type").GetString() == "page").GetProperty("webSocketDebuggerUrl").GetString()!;
            await chromium._socket.ConnectAsync(new Uri(page), cancellationToken);
            return chromium;
        }
        catch
        {
            await chromium.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns how many seconds it plays, once there is a picture.</summary>
    public async Task<double> OpenAsync(Uri movie, CancellationToken cancellationToken) => (await EvaluateAsync(
        $$"""
        new Promise((done, failed) => {
          window.video = document.createElement('video');
          video.muted = true;
          video.onloadeddata = () => done(video.duration);
          video.onerror = () => failed(new Error(video.error.message));
          video.src = {{JsonSerializer.Serialize(movie.AbsoluteUri)}};
          document.body.append(video);
        })
        """,
        cancellationToken)).GetDouble();

    /// <summary>Returns where it stands when it shows a picture again.</summary>
    public async Task<double> SeekAsync(double second, CancellationToken cancellationToken) => (await EvaluateAsync(
        $$"""
        new Promise((done, failed) => {
          video.onseeked = () => done(video.currentTime);
          video.onerror = () => failed(new Error(video.error.message));
          video.currentTime = {{second.ToString(CultureInfo.InvariantCulture)}};
        })
        """,
        cancellationToken)).GetDouble();

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _process.DisposeAsync();
    }

    private async Task<JsonElement> EvaluateAsync(string expression, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MdfsClient.Patience);
        var number = ++_request;
        var request = JsonSerializer.SerializeToUtf8Bytes(new { id = number, method = "Runtime.evaluate", @params = new { expression, awaitPromise = true, returnByValue = true } });
        await _socket.SendAsync(request, WebSocketMessageType.Text, endOfMessage: true, patience.Token);
        while (true)
        {
            using var message = new MemoryStream();
            var buffer = new byte[16 * 1024];
            WebSocketReceiveResult received;
            do
            {
                received = await _socket.ReceiveAsync(buffer, patience.Token);
                message.Write(buffer, 0, received.Count);
            }
            while (!received.EndOfMessage);
            var answer = JsonDocument.Parse(message.ToArray()).RootElement;
            if (!answer.TryGetProperty("id", out var id) || id.GetInt32() != number) continue;
            var result = answer.GetProperty("result");
            Assert.False(result.TryGetProperty("exceptionDetails", out var failure), $"{failure}");
            return result.GetProperty("result").GetProperty("value");
        }
    }

    [GeneratedRegex(@"DevTools listening on ws://127\.0\.0\.1:(\d+)/")]
    private static partial Regex Listening();
}
