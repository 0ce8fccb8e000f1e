using Mdfs.Gateway.Sources;
using Mdfs.Master.Cluster;
using Mdfs.Master.Files;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Uploads;

/// <summary>The workers of a resumable upload: chosen and opened once, and found again for every piece.</summary>
public sealed class UploadTargets(NodeRegistry registry, MasterIdentity identity, TargetOpening opening, WorkerClient workers, IOptions<MasterOptions> options, TimeProvider time)
{
    /// <summary>Chooses by the name as every upload does, and opens with the space reserved where the length is known.</summary>
    /// <param name="placedAs">The name, or what stands for it.</param>
    /// <param name="held">Bytes of it that lie on a node already: such nodes are preferred.</param>
    public async Task<(IReadOnlyList<NodeId>? Opened, Problem? Refusal)> OpenAsync(UploadId upload, FileName placedAs, long? length, CancellationToken clientGone, Func<NodeId, long>? held = null)
    {
        var view = registry.View;
        var candidates = Placement.ToAsk(view, placedAs, length ?? 0, options.Value.ReplicationFactor, options.Value.MinWriteReplicas, options.Value.PlacementRules);
        // Stable: among those that hold as much the ring decides. Which are leaving, and where there are enough others full, has been decided before.
        if (held is not null) candidates = [.. candidates.OrderByDescending(node => held(node.Id))];
        if (candidates.Count == 0) return (null, FileProblems.NobodyToAsk(view, length ?? 0));
        if (!await IsNamedAsync(clientGone)) return (null, FileProblems.ReadOnly);
        var opened = await opening.OpenAsync(upload, length, options.Value.ReplicationFactor, [.. candidates.Select(NodeView.AddressOf)], clientGone, appendable: true);
        if (opened.Opened.Count >= options.Value.MinWriteReplicas)
        {
            // Reserved there: from their next beat on they say so themselves.
            foreach (var target in opened.Opened) registry.Promise(target.Id, length ?? 0);
            return ([.. opened.Opened.Select(target => target.Id)], null);
        }

        Drop(upload, opened.Opened.Select(target => target.Id));
        return (null, FileProblems.TooFewOpened(opened, options.Value.MinWriteReplicas));
    }

    /// <summary>Opens a whole upload on further workers, which are to copy it from those that have it.</summary>
    /// <param name="have">Those that have it.</param>
    /// <param name="count">How many more are wanted.</param>
    public async Task<IReadOnlyList<WorkerAddress>> OpenMoreAsync(UploadRecord record, IReadOnlyList<NodeId> have, int count)
    {
        var missing = Math.Max(count, options.Value.ReplicationFactor - have.Count);
        var candidates = Placement.ToAsk(registry.View, CreateUpload.PlacedAs(record), record.Offset, missing, count, options.Value.PlacementRules, have);
        var opened = await opening.OpenAsync(record.Id, record.Offset, count, [.. candidates.Select(NodeView.AddressOf)], CancellationToken.None, appendable: true);
        foreach (var target in opened.Opened) registry.Promise(target.Id, record.Offset);
        return opened.Opened;
    }

    /// <summary>
    /// Those that can be spoken to. In the first moments of a master nobody has beaten yet, and silence says nothing: then all that are known.
    /// </summary>
    public IReadOnlyList<WorkerAddress> Reachable(UploadRecord record)
    {
        var view = registry.View;
        return [.. (record.Targets ?? []).Select(view.Find).OfType<NodeView>().Where(node => node.Alive || !registry.Settled).Select(NodeView.AddressOf)];
    }

    /// <summary>Nobody waits for it: a worker that does not hear it is told with a beat.</summary>
    public void Drop(UploadId upload, IEnumerable<NodeId> targets)
    {
        var view = registry.View;
        foreach (var node in targets.Select(view.Find).OfType<NodeView>().Where(node => node.Alive)) _ = workers.DropAsync(node, upload, CancellationToken.None);
    }

    // Nobody knows the cluster's name in the first seconds of its life, and what is stored must carry it.
    private async Task<bool> IsNamedAsync(CancellationToken clientGone)
    {
        try
        {
            await identity.Firm.WaitAsync(options.Value.CommitWait, time, clientGone);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
