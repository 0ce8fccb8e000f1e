using System.Diagnostics;
using System.Text;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Campaign;

/// <summary>One campaign: clients at work, faults, and the proof, on the way and at the end, that nothing acknowledged was lost.</summary>
public sealed class CampaignRun(CampaignSettings settings, CampaignCluster cluster, CancellationToken cancellationToken)
{
    private static readonly TimeSpan _lookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _tellEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _dayAndMore = TimeSpan.FromHours(25);

    private readonly History _history = new();
    private TimeSpan _tell;

    private IReadOnlyList<Fault> Plan { get; } = FaultPlan.Make(settings.Seed, settings.Faults, settings.Workers, settings.Store);

    private IReadOnlyList<string> Names { get; } = [.. Enumerable.Range(1, settings.Names).Select(number => $"movie {number}.mp4")];

    /// <returns>What happened, in a few lines.</returns>
    public async Task<string> RunAsync()
    {
        var disks = new DiskInspector(cluster, _history);
        var injector = new FaultInjector(cluster, _history, disks, cancellationToken);
        var clock = Stopwatch.StartNew();
        try
        {
            await AttackAsync(injector, disks);
            var attacked = clock.Elapsed;
            await SettleAsync(injector);
            var settled = clock.Elapsed;
            await ProveAsync(disks);
            AssertAllHappened(injector);
            if (settings.IsAgain) Write(injector, "Nothing was found.");
            return Summary(injector, attacked, settled, clock.Elapsed);
        }
        catch (Exception e)
        {
            throw new CampaignException($"{e.Message}\n\nHad again by: {settings.Command}\nWhat happened is written to {Write(injector, e.Message)}", e);
        }
    }

    private async Task AttackAsync(FaultInjector injector, DiskInspector disks)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var clients = Enumerable.Range(0, settings.Clients).Select(number => new CampaignClient(_history, Names, cluster.Master.Address, ProcessCluster.AdminKey, settings.Seed + (1000 * (number + 1)), disks)).ToList();
        var work = Task.WhenAll(clients.Select(client => client.RunAsync(stop.Token)));
        var attack = injector.RunAsync(Plan, settings.Longest);
        try
        {
            while (await Task.WhenAny(attack, work, Task.Delay(_lookEvery, cancellationToken)) is var first && first != attack)
            {
                if (first == work) await work;
                Check();
                Tell(injector);
            }

            await attack;
        }
        finally
        {
            await stop.CancelAsync();
            await work;
            foreach (var client in clients) client.Dispose();
        }

        Check();
    }

    /// <summary>No fault any more, and an operator who restarts workers that have closed themselves since their disk looked bad.</summary>
    private async Task SettleAsync(FaultInjector injector)
    {
        injector.AssertAllRun(cluster.Processes.Select(process => process.Name));
        await EventuallyAsync(() => cluster.Client.AnswersAsync(cancellationToken), "the master answers");
        await cluster.WaitForWorkersAsync(state => state == "alive", cancellationToken);
        await RestartClosedAsync();
        await EventuallyAsync(
            async () => await cluster.Client.MetricAsync("mdfs_under_replicated_files", cancellationToken) == 0
                && (await cluster.Client.AdminAsync("api/cluster", cancellationToken)) is var facts && facts.GetProperty("writable").GetBoolean(),
            "all copies are back");
    }

    private async Task RestartClosedAsync()
    {
        foreach (var node in (await cluster.Client.AdminAsync("api/nodes", cancellationToken)).EnumerateArray())
        {
            if (!node.TryGetProperty("closedForWrites", out var closed) || closed.ValueKind != System.Text.Json.JsonValueKind.String) continue;
            var worker = cluster.Workers.Single(worker => worker.Name == node.GetProperty("name").GetString());
            _history.Note($"{worker.Name} had closed itself: {closed.GetString()}");
            await worker.Node.StopAsync(cancellationToken);
            await worker.StartAsync();
        }

        await cluster.WaitForWorkersAsync(state => state == "alive", cancellationToken);
    }

    private async Task ProveAsync(DiskInspector disks)
    {
        using (var reader = new CampaignClient(_history, Names, cluster.Master.Address, ProcessCluster.AdminKey, settings.Seed))
        {
            foreach (var name in Names) await EventuallyAsync(() => reader.ReadAsync(name, whole: true), $"{name} is read to its end, or said not to be there");
        }

        Check();
        // What is kept for a day, in case that it is needed, has to go then.
        await cluster.Master.StopAsync(cancellationToken);
        await cluster.AgeAsync(_dayAndMore);
        await StartMasterAsync();
        // Workers have heard the age now. Another master judges what they have by it: this one would look again in a minute.
        await cluster.Master.StopAsync(cancellationToken);
        await StartMasterAsync();
        IReadOnlyList<string> untidy = ["nobody has looked yet"];
        try
        {
            await EventuallyAsync(
                async () =>
                {
                    var now = disks.Untidiness(await cluster.Client.ListAsync(cancellationToken));
                    if (!now.SequenceEqual(untidy)) _history.Note($"the disks: {string.Join("; ", now)}");
                    untidy = now;
                    return untidy.Count == 0 || await LaterAsync();
                },
                "the disks hold every copy that they should, and nothing else");
        }
        catch (Exception)
        {
            Assert.Fail($"The disks are not as they should be:\n{string.Join('\n', untidy)}");
        }

        using (var reader = new CampaignClient(_history, Names, cluster.Master.Address, ProcessCluster.AdminKey, settings.Seed))
        {
            foreach (var name in Names) await EventuallyAsync(() => reader.ReadAsync(name, whole: true), $"{name} is read once more");
        }

        Check();
        Assert.True(_history.Changes.Count(change => change is { Ending: Ending.Done, Act: Act.Upload }) >= settings.Faults / 4, "Next to nothing was stored: this campaign has tested nothing.");
    }

    /// <summary>A plan of this length has every kind that it begins with, and those that may be left out say so where nobody reads it.</summary>
    private void AssertAllHappened(FaultInjector injector)
    {
        if (settings.Longest is not null || settings.Faults < CampaignSettings.Short(settings.Store)) return;
        var planned = Plan.Select(static fault => fault.Kind).ToHashSet();
        FaultKind[] harms = [FaultKind.FlipByte, FaultKind.Truncate, FaultKind.SpoilSidecar];
        Assert.True(!planned.Overlaps(harms) || harms.Any(injector.Done.ContainsKey), "No copy was ever harmed.");
        if (Tools.InContinuousIntegration && planned.Contains(FaultKind.FillDisk)) Assert.True(injector.Done.ContainsKey(FaultKind.FillDisk), "No disk was ever full.");
    }

    private async Task StartMasterAsync()
    {
        await cluster.Master.StartAsync();
        await EventuallyAsync(() => cluster.Client.AnswersAsync(cancellationToken), "the master answers");
        await cluster.WaitForWorkersAsync(state => state == "alive", cancellationToken);
    }

    // Reading all disks again and again would take the time that the cluster needs.
    private async Task<bool> LaterAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        return false;
    }

    /// <summary>Now and then how far it is, for whoever watches a long one.</summary>
    private void Tell(FaultInjector injector)
    {
        if (_history.Now < _tell) return;
        _tell = _history.Now + _tellEvery;
        TestContext.Current.TestOutputHelper?.WriteLine($"{_history.Now.TotalMinutes:0} min: {injector.Done.Values.Sum()} faults, {_history.Changes.Count(change => change.Ending == Ending.Done)} changes acknowledged, {_history.Sights.Count} reads compared, nothing found.");
    }

    private void Check()
    {
        var wrong = _history.Wrong.Concat(HistoryChecker.Check(_history.Changes, _history.Sights)).ToList();
        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong.Take(20)));
    }

    private Task EventuallyAsync(Func<Task<bool>> condition, string what) => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                return await condition();
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        what, CampaignCluster.Patience, cancellationToken);

    private string Summary(FaultInjector injector, TimeSpan attacked, TimeSpan settled, TimeSpan all)
    {
        var changes = _history.Changes;
        var text = new StringBuilder();
        text.AppendLine($"Campaign on {settings.Store}, seed {settings.Seed}: {injector.Done.Values.Sum()} of {settings.Faults} faults in {attacked.TotalSeconds:0} s, all copies back {(settled - attacked).TotalSeconds:0} s later, {all.TotalSeconds:0} s with the proof.");
        text.AppendLine($"Faults: {string.Join(", ", injector.Done.OrderBy(one => one.Key).Select(one => $"{one.Key} {one.Value}"))}.");
        foreach (var (reason, count) in injector.Omitted) text.AppendLine($"{count} left out: {reason}.");
        foreach (var act in changes.GroupBy(change => change.Act).OrderBy(group => group.Key))
            text.AppendLine($"{act.Key}: {act.Count(change => change.Ending == Ending.Done)} acknowledged, {act.Count(change => change.Ending == Ending.Refused)} refused, {act.Count(change => change.Ending == Ending.Unknown)} unknown.");
        text.AppendLine($"Acknowledged with one copy: {changes.Count(change => change is { Ending: Ending.Done, Copies: 1 })}. Reads compared: {_history.Sights.Count}.");
        text.AppendLine($"Had again by: {settings.Command}");
        return text.ToString();
    }

    private string Write(FaultInjector injector, string why)
    {
        var path = Path.Combine(Path.GetTempPath(), $"mdfs-campaign-{settings.Store}-{settings.Seed}.log");
        var lines = _history.Notes.Concat(_history.Changes.Select(change => change.ToString())).Concat(_history.Sights.Select(sight => sight.ToString())).Order(StringComparer.Ordinal);
        File.WriteAllText(path, $"{why}\n\n{Summary(injector, _history.Now, _history.Now, _history.Now)}\n{string.Join('\n', lines)}\n\n{string.Join("\n", cluster.Processes.Select(process => $"== {process.Name} ==\n{process.Output}"))}");
        return path;
    }
}

/// <summary>A campaign that found something; its message says what, and how to have it again.</summary>
public sealed class CampaignException(string message, Exception inner) : Exception(message, inner);
