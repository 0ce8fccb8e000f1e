using System.Net;
using StackExchange.Redis;

namespace Mdfs.Tests.Support;

/// <summary>
/// A server of the Redis protocol as a process with a directory of its own: killed, frozen, restarted on the same port, and put back to an
/// older copy of its data.
/// </summary>
public abstract class RedisProcess : IAsyncLifetime
{
    private readonly TempDirectory _temp = new();
    private ServiceProcess? _process;

    public int Port { get; } = TestPorts.Next();

    protected string Data => _temp["data"];

    public ValueTask InitializeAsync() => new(StartAsync());

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            if (!_process.HasExited) _process.Thaw();
            await _process.DisposeAsync();
        }

        _temp.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Returns when it answers and has read its data.</summary>
    public async Task StartAsync()
    {
        Directory.CreateDirectory(Data);
        _process = Launch();
        await Eventually.TrueAsync(AnswersAsync, $"an answer of the server on port {Port}: {_process.Output}", TimeSpan.FromSeconds(30), CancellationToken.None);
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        await _process!.KillAsync();
        await _process.DisposeAsync();
    }

    public void Freeze() => _process!.Freeze();

    public void Thaw() => _process!.Thaw();

    /// <summary>Kills it, keeps a copy of its data, and starts it again.</summary>
    public async Task BackUpAsync()
    {
        await KillAsync();
        Copy(Data, _temp["backup"]);
        await StartAsync();
    }

    /// <summary>Kills it, puts its data back to the copy, and starts it again.</summary>
    public async Task RollBackAsync()
    {
        await KillAsync();
        Directory.Delete(Data, recursive: true);
        Copy(_temp["backup"], Data);
        await StartAsync();
    }

    protected abstract ServiceProcess Launch();

    private async Task<bool> AnswersAsync()
    {
        if (_process!.HasExited) Assert.Fail($"The server ended: {_process.Output}");
        try
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions { EndPoints = { { IPAddress.Loopback, Port } }, ConnectTimeout = 500, ConnectRetry = 1 });
            await connection.GetDatabase().StringGetAsync("anything");
            return true;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return false;
        }
    }

    private static void Copy(string from, string to)
    {
        if (Directory.Exists(to)) Directory.Delete(to, recursive: true);
        Directory.CreateDirectory(to);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}

/// <summary>redis-server, with every transaction fsynced.</summary>
public sealed class RedisServerProcess : RedisProcess
{
    protected override ServiceProcess Launch() => ServiceProcess.Run(Tools.Require("redis-server"),
        ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", Data, "--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
}

/// <summary>The embedded store in a process of its own.</summary>
public sealed class GarnetProcess : RedisProcess
{
    protected override ServiceProcess Launch() => ServiceProcess.Start("Mdfs.Garnet",
        [new("Mdfs:Garnet:Port", $"{Port}"), new("Mdfs:Garnet:DataDirectory", Data)]);
}
