using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>Uploads, deletions and transactions. Each yields what it waits for; between two steps anything may happen, also its end.</summary>
internal sealed partial class ModelMaster
{
    private sealed class Outcome
    {
        public bool Done { get; set; }
    }

    public IEnumerable<Func<bool>> Upload(Operation operation, ReplicaDescription bytes)
    {
        Open.Add(bytes.Upload);
        var early = Mint();
        var targets = Placement.Candidates(View(), bytes.Name, bytes.Size, _world.Goal, Placing).Take(_world.Goal).Select(node => WorkerOf(node.Id)).ToList();
        var prepares = targets.ConvertAll(worker => _world.Call(this, worker, to =>
        {
            to.Prepare(bytes);
            return to.Highest;
        }));
        var deadline = _world.Now + 10;
        yield return () => prepares.TrueForAll(call => call.Ended) || _world.Now >= deadline;

        var ready = prepares.FindAll(call => call.Answer is not null);
        foreach (var call in ready) Hear((MovieVersion)call.Answer!);
        if (ready.Count == 0)
        {
            End(operation, bytes.Upload, acknowledged: false);
            yield break;
        }

        operation.From = _world.Step;
        yield return () => !_locked;
        _locked = true;
        _putBack = Memory.Entry;
        var version = _world.Flaw == Flaw.MintAtUploadStart ? early : Mint();
        var replica = bytes with { Version = version };
        _world.Say($"{operation} commits as {version}");
        if (_world.Flaw == Flaw.SealBeforeTransaction)
        {
            var premature = ready.ConvertAll(call => Seal(call.Worker, replica));
            yield return () => premature.TrueForAll(call => call.Ended) || _world.Now >= deadline;
        }

        var outcome = new Outcome();
        var next = new Said(new CatalogEntry(replica, [.. ready.Select(call => call.Worker.Id)]), Memory.Tombstone, MovieVersion.Max(version, Memory.Highest));
        foreach (var wait in Commit(next, outcome)) yield return wait;
        var confirmed = 0;
        if (outcome.Done)
        {
            var seals = ready.ConvertAll(call => Seal(call.Worker, replica));
            deadline = _world.Now + 5;
            yield return () => seals.TrueForAll(call => call.Ended) || _world.Now >= deadline;
            confirmed = seals.Count(call => call.Answer is true);
            if (confirmed == 0)
            {
                _world.Say($"{operation} was sealed by nobody and is put back");
                foreach (var wait in Commit(Memory with { Entry = _putBack }, outcome)) yield return wait;
            }
        }

        Unlock();
        End(operation, bytes.Upload, confirmed > 0);
    }

    public IEnumerable<Func<bool>> Delete(Operation operation)
    {
        yield return () => !_locked;
        if (Memory.Entry is null || Rebuilding || !Enumerable.Range(0, 3).Any(IsAlive))
        {
            End(operation, null, acknowledged: false);
            yield break;
        }

        operation.From = _world.Step;
        _locked = true;
        var tombstone = new Tombstone(Memory.Entry.Name, Mint(), ClusterAge, DateTimeOffset.UnixEpoch);
        _world.Say($"{operation} buries up to {tombstone.Bound}");
        var outcome = new Outcome();
        foreach (var wait in Commit(new Said(null, tombstone, tombstone.Bound), outcome)) yield return wait;
        var confirmed = 0;
        if (outcome.Done)
        {
            var crash = !_world.Calm && _world.Dice.Chance(5);
            var calls = _world.Workers.Where(worker => IsAlive(worker.Number)).Select(worker => _world.Call(this, worker, to =>
            {
                to.Bury(tombstone, crash);
                return to.Up ? true : null;
            })).ToList();
            var deadline = _world.Now + 5;
            yield return () => calls.TrueForAll(call => call.Ended) || _world.Now >= deadline;
            confirmed = calls.Count(call => call.Answer is true);
            foreach (var call in calls.Where(call => call.Answer is true))
                _nodes[call.Worker.Number].Sealed.RemoveAll(report => tombstone.Covers(report.Replica.Version));
        }

        Unlock();
        End(operation, null, confirmed > 0);
    }

    /// <summary>One transaction, settled before it ends: done or not, never perhaps.</summary>
    private IEnumerable<Func<bool>> Commit(Said next, Outcome outcome)
    {
        outcome.Done = false;
        _currentSince = int.MaxValue;
        while (true)
        {
            var transaction = _world.Submit(this, next);
            yield return () => transaction.Answered || _world.Now >= transaction.SentAt + 2;
            if (transaction.Answered)
            {
                if (transaction.Done)
                {
                    (Memory, Sequence, outcome.Done) = (next, transaction.Read!.Position.Sequence!.Value, true);
                    yield break;
                }

                Compare(heard: 0);
                if (Stopped) yield break;
                continue;
            }

            if (_world.Flaw == Flaw.UnknownMeansFailed) yield break;
            _world.Say($"{this} got no answer and reads back");
            var fence = _world.Submit(this, null);
            while (!fence.Answered)
            {
                yield return () => fence.Answered || _world.Now >= fence.SentAt + 2;
                if (!fence.Answered) fence = _world.Submit(this, null);
            }

            var read = fence.Read!;
            if (!fence.Done && read.Position != Position with { Sequence = Sequence + 1 })
            {
                // Replaced, or Redis went back in between: then our memory is newer than what stands there, and the transaction has not been.
                Compare(heard: 0);
                if (Stopped) yield break;
            }
            else
            {
                (Memory, Sequence) = (read.Said with { Highest = MovieVersion.Max(Memory.Highest, read.Said.Highest) }, read.Position.Sequence!.Value);
            }

            outcome.Done = Memory.Entry == next.Entry && Memory.Tombstone == next.Tombstone;
            _world.Say($"{this} found it {(outcome.Done ? "done" : "not done")}");
            yield break;
        }
    }

    private Call Seal(ModelWorker worker, ReplicaDescription replica) => _world.Call(this, worker, to =>
    {
        var done = to.Seal(replica);
        if (!done) return null;
        var (life, number) = (to.Life, to.Receipt());
        if (Stopped) return true;
        var node = _nodes[to.Number];
        if (life > node.Life && _world.Flaw != Flaw.YieldByOldInventory)
        {
            // Not the life we knew: what we knew of this node is void.
            node.Forget();
            node.Life = life;
        }

        if (node.Life == life && number > node.Number && !node.Sealed.Exists(report => report.Replica.Version == replica.Version))
            node.Sealed.Add(new ReplicaReport(replica, Damaged: false, Verified: true));
        return true;
    });

    private void Unlock() => (_locked, _putBack, _currentSince) = (false, null, _world.Step);

    private MovieVersion Mint()
    {
        // Two masters never mint in one microsecond.
        _world.Pass(1e-5);
        return VersionMint.Next(_world.Wall, Memory.Highest);
    }

    private void Hear(MovieVersion highest) => Memory = Memory with { Highest = MovieVersion.Max(Memory.Highest, highest) };

    private ModelWorker WorkerOf(NodeId id) => _world.Workers[Array.FindIndex(_world.Workers, worker => worker.Id == id)];

    private void End(Operation operation, UploadId? upload, bool acknowledged)
    {
        if (upload is { } id) Open.Remove(id);
        if (operation.Until != int.MaxValue) return;
        (operation.Until, operation.Acknowledged) = (_world.Step, acknowledged);
        _world.Say($"{operation} is {(acknowledged ? "acknowledged" : "refused")}");
    }
}
