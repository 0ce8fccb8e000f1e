using System.Net.Sockets;
using System.Text.Json;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Players;

/// <summary>A running mpv, steered by its JSON socket: every seek of it is a new request.</summary>
internal sealed class Mpv : IAsyncDisposable
{
    private readonly ServiceProcess _process;
    private readonly StreamReader _answers;
    private readonly StreamWriter _commands;
    private int _request;

    private Mpv(ServiceProcess process, NetworkStream stream)
    {
        _process = process;
        _answers = new StreamReader(stream);
        _commands = new StreamWriter(stream) { AutoFlush = true };
    }

    /// <summary>Warnings and errors that it has logged.</summary>
    public List<string> Complaints { get; } = [];

    public static async Task<Mpv> OpenAsync(Uri movie, string directory, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, "mpv");
        var process = ServiceProcess.Run(Tools.Require("mpv"),
        [
            "--no-config", "--no-terminal", "--vo=null", "--ao=null", "--pause", "--keep-open=yes", "--cache=no", "--demuxer-max-bytes=1MiB", $"--input-ipc-server={path}", movie.AbsoluteUri,
        ]);
        return await process.OrEndAsync(() => OpenAsync(process, path, cancellationToken));
    }

    private static async Task<Mpv> OpenAsync(ServiceProcess process, string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.False(process.HasExited, process.Output);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "mpv listens", MdfsClient.Patience, cancellationToken);
        var mpv = new Mpv(process, new NetworkStream(socket, ownsSocket: true));
        await mpv.AskAsync(cancellationToken, "request_log_messages", "warn");
        await Eventually.TrueAsync(async () => (await mpv.AskAsync(cancellationToken, "get_property", "duration")).ValueKind == JsonValueKind.Number, "mpv has opened the movie", MdfsClient.Patience, cancellationToken);
        return mpv;
    }

    /// <summary>It plays on by itself from here, at the movie's own speed.</summary>
    public Task PlayAsync(CancellationToken cancellationToken) => AskAsync(cancellationToken, "set_property_string", "pause", "no");

    /// <summary>The second it shows now.</summary>
    public async Task<double> PositionAsync(CancellationToken cancellationToken) =>
        await AskAsync(cancellationToken, "get_property", "time-pos") is { ValueKind: JsonValueKind.Number } position ? position.GetDouble() : 0;

    /// <summary>Returns where it stands when it shows a picture again.</summary>
    public async Task<double> SeekAsync(double second, CancellationToken cancellationToken)
    {
        await _commands.WriteLineAsync(JsonSerializer.Serialize(new { command = new object[] { "seek", second, "absolute+exact" }, request_id = ++_request }).AsMemory(), cancellationToken);
        // What it tells of the opening may still be on its way.
        foreach (var happens in (string[])["seek", "playback-restart"]) await ReadUntilAsync(message => message.TryGetProperty("event", out var name) && name.GetString() == happens, cancellationToken);
        return (await AskAsync(cancellationToken, "get_property", "time-pos")).GetDouble();
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _answers.Dispose();
    }

    private async Task<JsonElement> AskAsync(CancellationToken cancellationToken, params string[] command)
    {
        var number = ++_request;
        await _commands.WriteLineAsync(JsonSerializer.Serialize(new { command, request_id = number }).AsMemory(), cancellationToken);
        var answer = await ReadUntilAsync(message => message.TryGetProperty("request_id", out var id) && id.GetInt32() == number, cancellationToken);
        return answer.TryGetProperty("data", out var data) ? data : default;
    }

    private async Task<JsonElement> ReadUntilAsync(Func<JsonElement, bool> wanted, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MdfsClient.Patience);
        while (true)
        {
            var line = await _answers.ReadLineAsync(patience.Token) ?? throw new IOException($"mpv has ended.\n{_process.Output}");
            var message = JsonDocument.Parse(line).RootElement;
            if (wanted(message)) return message;
            if (!message.TryGetProperty("event", out var name)) continue;
            if (name.GetString() is "log-message") Complaints.Add(line);
            if (name.GetString() is "end-file") throw new IOException($"mpv gave the movie up: {line}\n{string.Join('\n', Complaints)}");
        }
    }
}
