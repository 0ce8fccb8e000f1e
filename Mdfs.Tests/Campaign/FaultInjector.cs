using System.Collections.Concurrent;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>
/// Makes the faults of a plan happen. It may stop any number of processes, and break any line; bytes it destroys on one copy of a movie only, and only while every other copy on the disks is whole, and
/// not again before that copy is.
/// </summary>
public sealed class FaultInjector(CampaignCluster cluster, History history, DiskInspector disks, CancellationToken cancellationToken)
{
    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan _hopeless = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();
    private readonly ConcurrentDictionary<FaultKind, int> _done = new();
    private readonly ConcurrentDictionary<string, int> _omitted = new();
    private readonly Dictionary<long, (string Path, string Hash)> _wounded = [];
    private readonly List<Task> _running = [];

    /// <summary>How many of each kind happened.</summary>
    public IReadOnlyDictionary<FaultKind, int> Done => _done;

    /// <summary>Why those that did not, did not.</summary>
    public IReadOnlyDictionary<string, int> Omitted => _omitted;

    /// <param name="until">No fault begins later than this, by the clock of the history.</param>
    public async Task RunAsync(IEnumerable<Fault> plan, TimeSpan? until)
    {
        foreach (var fault in plan)
        {
            await Task.Delay(fault.Gap, cancellationToken);
            await AnswersAsync(fault.Answers);
            if (history.Wrong.Count > 0 || history.Now > until) break;
            await BeginAsync(fault);
            foreach (var failed in _running.Where(one => one.IsFaulted)) await failed;
            _running.RemoveAll(one => one.IsCompleted);
        }

        await Task.WhenAll(_running);
    }

    /// <summary>Until there are so many more, or there is no hope of them before the faults that last are over.</summary>
    private async Task AnswersAsync(int more)
    {
        var (wanted, until) = (history.Answers + more, history.Now + _hopeless);
        while (history.Answers < wanted && history.Now < until && history.Wrong.Count == 0) await Task.Delay(20, cancellationToken);
    }

    private Task BeginAsync(Fault fault)
    {
        var worker = cluster.Workers[fault.Worker];
        var node = worker.Node;
        return fault.Kind switch
        {
            FaultKind.KillWorker => LastAsync(fault, [worker.Name], node.KillAsync, worker.StartAsync),
            FaultKind.PowerCutWorker => LastAsync(fault, [worker.Name], () => CutPowerAsync(worker), worker.StartAsync),
            FaultKind.StopWorker => LastAsync(fault, [worker.Name], () => node.StopAsync(cancellationToken), worker.StartAsync),
            FaultKind.FreezeWorker => LastAsync(fault, [worker.Name], Now(node.Freeze), Now(node.Thaw)),
            FaultKind.CutWorker => LastAsync(fault, [Line(worker)], Now(worker.Serving.Cut), Now(worker.Serving.Mend)),
            FaultKind.HushWorker => LastAsync(fault, [Line(worker)], Now(worker.Serving.Hush), Now(worker.Serving.Mend)),
            FaultKind.CutBeats => LastAsync(fault, [Line(worker)], Now(worker.Beats.Cut), Now(worker.Beats.Mend)),
            FaultKind.HushBeats => LastAsync(fault, [Line(worker)], Now(worker.Beats.Hush), Now(worker.Beats.Mend)),
            FaultKind.KillMaster => LastAsync(fault, ["master"], cluster.Master.KillAsync, cluster.Master.StartAsync),
            FaultKind.StopMaster => LastAsync(fault, ["master"], () => cluster.Master.StopAsync(cancellationToken), cluster.Master.StartAsync),
            FaultKind.FreezeMaster => LastAsync(fault, ["master"], Now(cluster.Master.Freeze), Now(cluster.Master.Thaw)),
            FaultKind.CutMaster => LastAsync(fault, [.. cluster.Workers.Select(Line), "redis line"], Now(() => Each(line => line.Cut())), Now(() => Each(line => line.Mend()))),
            FaultKind.KillRedis => LastAsync(fault, ["redis"], cluster.Redis.KillAsync, cluster.Redis.StartAsync),
            FaultKind.FreezeRedis => LastAsync(fault, ["redis"], Now(cluster.Redis.Freeze), Now(cluster.Redis.Thaw)),
            FaultKind.CutRedis => LastAsync(fault, ["redis line"], Now(cluster.RedisLine.Cut), Now(cluster.RedisLine.Mend)),
            FaultKind.HushRedis => LastAsync(fault, ["redis line"], Now(cluster.RedisLine.Hush), Now(cluster.RedisLine.Mend)),
            FaultKind.PowerCutAll => LastAsync(fault, [.. cluster.Workers.Select(one => one.Name), "master", "redis"], CutAllPowerAsync, StartAllAsync),
            FaultKind.FlipByte or FaultKind.Truncate or FaultKind.SpoilSidecar => WoundAsync(fault),
            FaultKind.FillDisk => FillAsync(fault),
            FaultKind.JumpClock => LastAsync(fault, [$"clock of {worker.Name}"], Now(() => worker.System.SetClock(fault.Seed % 2 == 0 ? _hour : -_hour)), Now(() => worker.System.SetClock(TimeSpan.Zero))),
            _ => throw new InvalidOperationException($"{fault.Kind} is a fault nobody has thought of."),
        };
    }

    /// <summary>Begins when what it meets is not under another fault of its sort; returns then, and ends by itself.</summary>
    private async Task LastAsync(Fault fault, IReadOnlyList<string> targets, Func<Task> begin, Func<Task> end)
    {
        // In one order, so that two that meet several things do not wait for one another.
        var gates = targets.Order(StringComparer.Ordinal).Select(target => _gates.GetOrAdd(target, static _ => new SemaphoreSlim(1))).ToList();
        foreach (var gate in gates) await gate.WaitAsync(cancellationToken);
        AssertAllRun(targets);
        history.Note($"{fault}");
        await begin();
        Count(fault);
        _running.Add(EndAsync());

        async Task EndAsync()
        {
            await Task.Delay(fault.Length, cancellationToken);
            await end();
            history.Note($"#{fault.Number} is over");
            foreach (var gate in gates) gate.Release();
        }
    }

    private async Task WoundAsync(Fault fault)
    {
        var random = new Random(fault.Seed);
        var groups = disks.Replicas().GroupBy(replica => replica.Version).Where(group => group.Count() >= 2).Select(group => group.ToList()).ToList();
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(groups));
        foreach (var copies in groups)
        {
            // A copy that was harmed before has to be whole again first, whoever has it.
            if (IsHarmed(copies[0].Version) || !copies.TrueForAll(disks.IsIntact)) continue;
            var replica = copies.Find(copy => copy.Worker == cluster.Workers[fault.Worker]) ?? copies[random.Next(copies.Count)];
            if (replica.Worker.Wounds >= 5) continue;
            if (TryWound(fault, replica, random) is not { } path) continue;
            if (HashOf(path) is { } hash) _wounded[replica.Version] = (path, hash);
            replica.Worker.Wounds++;
            history.Note($"{fault}: version {replica.Version} on {replica.Worker.Name}");
            Count(fault);
            return;
        }

        await Task.CompletedTask;
        Omit("no movie had two whole copies, one of them on a worker that was not too often harmed already");
    }

    /// <summary>Whether the file that was harmed is still as it was left then.</summary>
    private bool IsHarmed(long version) => _wounded.TryGetValue(version, out var wound) && HashOf(wound.Path) == wound.Hash;

    private static string? HashOf(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return MovieBytes.HashOf(file);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The file that was harmed.</summary>
    private static string? TryWound(Fault fault, ReplicaOnDisk replica, Random random)
    {
        var path = fault.Kind != FaultKind.SpoilSidecar ? replica.Path : random.Next(2) == 0 ? replica.Sidecar : replica.Blocks;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (file.Length == 0) return null;
            if (fault.Kind == FaultKind.Truncate)
            {
                file.SetLength(random.NextInt64(file.Length));
                return path;
            }

            var at = random.NextInt64(file.Length);
            file.Position = at;
            var old = file.ReadByte();
            file.Position = at;
            file.WriteByte((byte)(old ^ (1 << random.Next(8))));
            return path;
        }
        catch (IOException)
        {
            // It went while we looked.
            return null;
        }
    }

    private async Task FillAsync(Fault fault)
    {
        if (cluster.Workers.FirstOrDefault(worker => worker.HasSmallDisk) is not { } worker)
        {
            Omit("a small disk needs a tmpfs in a user and mount namespace, which cannot be had here");
            return;
        }

        await LastAsync(fault, ["disk"], Now(worker.FillDisk), Now(worker.EmptyDisk));
    }

    private async Task CutAllPowerAsync()
    {
        foreach (var process in cluster.Processes) await process.KillAsync();
        await LosePowerAsync(cluster.Workers);
        // Of Garnet it is not promised that it outlives this: there its machine kept its power.
        if (cluster.RedisIsDurable) cluster.RedisSystem.LosePower();
    }

    private async Task StartAllAsync()
    {
        await cluster.Redis.StartAsync();
        await cluster.Master.StartAsync();
        foreach (var worker in cluster.Workers) await worker.StartAsync();
    }

    private async Task CutPowerAsync(CampaignWorker worker)
    {
        await worker.Node.KillAsync();
        await LosePowerAsync([worker]);
    }

    private async Task LosePowerAsync(IReadOnlyList<CampaignWorker> workers)
    {
        var before = disks.Replicas().ToList();
        foreach (var worker in workers) await worker.LosePowerAsync(cancellationToken);
        foreach (var lost in disks.LostWithPower(before, workers, IsWounded)) history.IsWrong(lost);
    }

    /// <summary>Whether a fault has harmed it at any time.</summary>
    private bool IsWounded(ReplicaOnDisk replica) => _wounded.TryGetValue(replica.Version, out var wound) && wound.Path.StartsWith(replica.Path, StringComparison.Ordinal);

    /// <summary>Whoever ended by itself has found something that it cannot live with, which no fault here is.</summary>
    public void AssertAllRun(IEnumerable<string> names)
    {
        foreach (var process in cluster.Processes.Where(process => names.Contains(process.Name) && !process.IsRunning))
            Assert.Fail($"{process.Name} ended by itself:\n{string.Join('\n', process.Output.Split('\n').TakeLast(60))}");
    }

    private void Each(Action<NetworkProxy> act)
    {
        foreach (var worker in cluster.Workers)
        {
            act(worker.Serving);
            act(worker.Beats);
        }

        act(cluster.RedisLine);
    }

    private void Count(Fault fault) => _done.AddOrUpdate(fault.Kind, 1, static (_, count) => count + 1);

    private void Omit(string reason) => _omitted.AddOrUpdate(reason, 1, static (_, count) => count + 1);

    private static string Line(CampaignWorker worker) => $"line of {worker.Name}";

    private static Func<Task> Now(Action act) => () =>
    {
        act();
        return Task.CompletedTask;
    };
}
