using System.Globalization;
using System.Net.Sockets;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Players;

/// <summary>A running VLC without a screen, steered by its remote control.</summary>
internal sealed class Vlc : IAsyncDisposable
{
    private const string Nobody = "65534";

    private readonly ServiceProcess _process;
    private readonly StreamReader _answers;
    private readonly StreamWriter _commands;

    private Vlc(ServiceProcess process, NetworkStream stream)
    {
        _process = process;
        _answers = new StreamReader(stream);
        _commands = new StreamWriter(stream) { AutoFlush = true };
    }

    public string Output => _process.Output;

    public static async Task<Vlc> OpenAsync(Uri movie, string directory, CancellationToken cancellationToken)
    {
        var port = TestPorts.Next();
        string[] player =
        [
            Tools.Require("cvlc"), "--extraintf", "oldrc", "--rc-fake-tty", "--rc-host", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"),
            // It holds 16 MiB and goes about in them; with one nearly every seek is a request. With a quarter of that it does not play at all.
            "--prefetch-buffer-size", "1024", "--prefetch-read-size", "65536",
            "--vout", "dummy", "--aout", "dummy", "--no-video-title-show", "--loop", "--rate", "4", movie.AbsoluteUri,
        ];
        // VLC refuses to run as root, as continuous integration does: it becomes nobody, with a home of its own.
        if (!OperatingSystem.IsWindows() && Environment.UserName == "root")
        {
            File.SetUnixFileMode(directory, (UnixFileMode)0b111_111_111);
            player = [Tools.Require("setpriv"), $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", Tools.Require("env"), $"HOME={directory}", .. player];
        }

        var process = ServiceProcess.Run(player[0], player[1..]);
        return await process.OrEndAsync(() => OpenAsync(process, port, cancellationToken));
    }

    private static async Task<Vlc> OpenAsync(ServiceProcess process, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.False(process.HasExited, process.Output);
                try
                {
                    await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "VLC listens", MdfsClient.Patience, cancellationToken);
        return new Vlc(process, new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>
    /// Returns when it has played on from that second, at four times the usual pace. The second itself it tells as soon as it was asked to go there, before it has read a byte.
    /// </summary>
    public async Task SeekAsync(int second, CancellationToken cancellationToken)
    {
        await _commands.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"seek {second}").AsMemory(), cancellationToken);
        await Eventually.TrueAsync(async () => await NumberAsync("get_time", cancellationToken) is var time && time > second && time <= second + 15, $"VLC plays from {second} s on", MdfsClient.Patience, cancellationToken);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    // Between the answers it tells what it does ("status change: …"); only a number stands alone on its line.
    private async Task<int> NumberAsync(string command, CancellationToken cancellationToken)
    {
        Assert.False(_process.HasExited, _process.Output);
        await _commands.WriteLineAsync(command.AsMemory(), cancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MdfsClient.Patience);
        while (await _answers.ReadLineAsync(patience.Token) is { } line)
        {
            if (int.TryParse(line.Trim('>', ' '), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        }

        throw new IOException($"VLC has ended.\n{_process.Output}");
    }
}
