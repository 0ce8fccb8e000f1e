using System.Globalization;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>One worker, its disk, its system and its two ways into the network.</summary>
public sealed class CampaignWorker : IAsyncDisposable
{
    private readonly HeldDisk? _disk;

    /// <param name="path">Its directory, as it sees it itself.</param>
    /// <param name="library">See <see cref="UnkindSystem.CompileAsync"/>.</param>
    /// <param name="disk">Mounted on <paramref name="path"/>; null: it lies on ours.</param>
    public CampaignWorker(string name, string path, string side, string library, HeldDisk? disk, int masterPort, IEnumerable<KeyValuePair<string, string>> settings)
    {
        _disk = disk;
        var seen = disk?.Seen ?? path;
        Data = Path.Combine(seen, "data");
        Directory.CreateDirectory(Path.Combine(seen, "limbo"));
        System = new UnkindSystem(library, Path.Combine(path, "data"), Path.Combine(path, "limbo"), side);
        var port = TestPorts.Next();
        Serving = new NetworkProxy(port);
        Beats = new NetworkProxy(masterPort);
        KeyValuePair<string, string>[] all =
        [
            .. settings, new("urls", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")), new("Mdfs:Worker:Name", name), new("Mdfs:Worker:DataDirectory", Path.Combine(path, "data")),
            new("Mdfs:Worker:AdvertisedUrl", Serving.Address.GetLeftPart(UriPartial.Authority)), new("services:master:http:0", Beats.Address.GetLeftPart(UriPartial.Authority)),
        ];
        Node = new ProcessNode(name, port, () => Start(all));
    }

    public string Name => Node.Name;

    public ProcessNode Node { get; }

    /// <summary>What others reach it by.</summary>
    public NetworkProxy Serving { get; }

    /// <summary>What it reaches the master by.</summary>
    public NetworkProxy Beats { get; }

    public UnkindSystem System { get; }

    /// <summary>Its data directory, as we see it.</summary>
    public string Data { get; }

    public bool HasSmallDisk => _disk is not null;

    /// <summary>Replicas harmed since it was started: more than five within an hour close a worker, and its operator would look after the disk.</summary>
    public int Wounds { get; set; }

    public void FillDisk() => _disk?.Fill();

    public void EmptyDisk() => _disk?.Empty();

    public async Task StartAsync()
    {
        Wounds = 0;
        await Node.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await Serving.DisposeAsync();
        await Beats.DisposeAsync();
        _disk?.Dispose();
    }

    /// <summary>What the power cut took is gone when this returns, so that the disk can be looked at before anybody mends it. The process was killed.</summary>
    public async Task LosePowerAsync(CancellationToken cancellationToken)
    {
        System.LosePower();
        // Any program does: the library takes back what is noted when it is loaded.
        string[] call = [.. System.Environment.Select(one => $"{one.Key}={one.Value}"), "true"];
        var (program, arguments) = _disk?.Inside("env", call) ?? ("env", call);
        await using var process = ServiceProcess.Run(program, arguments);
        await Eventually.TrueAsync(() => process.HasExited, $"{Name} has lost what was not fsynced", CampaignCluster.Patience, cancellationToken);
    }

    private ServiceProcess Start(IReadOnlyList<KeyValuePair<string, string>> settings)
    {
        if (_disk is null) return ServiceProcess.Start("Mdfs.Worker", settings, System.Environment);
        var environment = System.Environment.Append(new("DOTNET_ROOT", Executables.DotnetRoot));
        var (program, arguments) = _disk.Inside("env", [.. environment.Select(one => $"{one.Key}={one.Value}"), Executables.Find("Mdfs.Worker"), .. settings.Select(one => $"--{one.Key}={one.Value}")]);
        return ServiceProcess.Run(program, arguments);
    }
}
