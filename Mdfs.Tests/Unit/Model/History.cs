using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>
/// One random history: whatever can happen next is drawn, step after step, then everything comes back and time goes by until nothing is left to do. What
/// must always
/// hold is asked after every step, the rest at the end.
/// </summary>
internal sealed class History
{
    private const double Day = 86_400;
    private readonly World _world;
    private readonly Dice _dice;
    private readonly int _length;

    /// <summary>How often something breaks, in faults per hundred other steps, and how many messages in a hundred are lost.</summary>
    private readonly int _temper;
    private readonly int _losses;

    /// <summary>
    /// What may break in this history. Each has its own few: all of them everywhere would hide the long ways to a loss behind noise. Where Redis goes
    /// back no clock is
    /// stepped back: the two together have no remedy (docs/decisions/model.md).
    /// </summary>
    private readonly List<Kind> _kinds = [Kind.Start, Kind.Start];

    /// <summary>How many beats in a hundred go to any master that ever was.</summary>
    private readonly int _strays;
    private int _operations;
    private bool _wentBack;
    private bool _rotted;
    private int _absent = -1;

    /// <summary>The worker on whose disk a block goes bad before it starts again, or -1.</summary>
    private int _rotting = -1;

    private History(ulong seed, Flaw flaw, List<string>? trace)
    {
        _world = World.Begin(seed, flaw, trace);
        _dice = _world.Dice;
        _length = 80 + _dice.Below(220);
        (_temper, _losses) = (_dice.Below(24), _dice.Below(10));
        _strays = _dice.Below(60);
        foreach (var kind in Enum.GetValues<Kind>())
            if (kind != Kind.Start && _dice.Chance(40)) _kinds.Add(kind);
        _operations = 2 + _dice.Below(5);
    }

    /// <summary>Null when all was well, else what was not.</summary>
    public static string? Run(ulong seed, Flaw flaw = Flaw.None, List<string>? trace = null)
    {
        var history = new History(seed, flaw, trace);
        return history.Live() ?? history.Settle();
    }

    private string? Live()
    {
        for (var i = 0; i < _length; i++)
        {
            _world.Step++;
            Something();
            if (Violation() is { } violation) return violation;
        }

        return null;
    }

    private void Something()
    {
        switch (_dice.Below(100 + _temper))
        {
            case < 60: Progress(); break;
            case < 64: Beat(_dice.Pick(_world.Workers)); break;
            case < 70: Operate(); break;
            case < 75: _world.Pass(0.1 + (_dice.Below(70) / 10.0)); break;
            case < 77: _world.Pass(16 + _dice.Below(700)); break;
            case < 79: PassLong(); break;
            case < 86: TickAll(); break;
            case < 92: Pull(); break;
            case < 100: Round(); break;
            default: Fault(); break;
        }
    }

    /// <summary>Somebody goes on, or something that is on its way arrives, late perhaps, or is lost.</summary>
    private void Progress()
    {
        var lost = _dice.Chance(_losses);
        var ready = _world.Doings.FindAll(doing => doing.IsReady);
        var draw = _dice.Below(Math.Max(1, (2 * ready.Count) + _world.Calls.Count + _world.Transactions.Count + _world.Beats.Count + _world.Replies.Count));
        if (draw < 2 * ready.Count) GoOn(ready[draw / 2]);
        else if ((draw -= 2 * ready.Count) < _world.Calls.Count) Deliver(_world.Calls[draw], lost);
        else if ((draw -= _world.Calls.Count) < _world.Transactions.Count) Deliver(_world.Transactions[draw], lost);
        else if ((draw -= _world.Transactions.Count) < _world.Beats.Count) Deliver(_world.Beats[draw], lost);
        else if ((draw -= _world.Beats.Count) < _world.Replies.Count) Deliver(_world.Replies[draw], lost);
        else Operate();
    }

    private void Fault()
    {
        var worker = _dice.Pick(_world.Workers);
        switch (_dice.Pick(_kinds))
        {
            case Kind.Worker when worker.Up:
                _world.Say($"worker {worker.Number} crashes");
                worker.Crash();
                if (_kinds.Contains(Kind.Rot) && _dice.Chance(40)) _rotting = worker.Number;
                break;
            case Kind.Start when !worker.Up && worker.Number != _absent:
                StartWorker(worker);
                break;
            case Kind.Start when !_world.Newest.Runs:
                StartMaster();
                break;
            case Kind.Master:
                Crash(_world.Newest);
                break;
            case Kind.SecondMaster:
                StartMaster();
                break;
            case Kind.Freeze when _world.Masters.Find(master => master.Frozen) is { } frozen && _dice.Chance(60):
                frozen.Frozen = false;
                _world.Say($"{frozen} thaws");
                break;
            case Kind.Freeze when _world.Newest.Runs:
                _world.Say($"{_world.Newest} is frozen");
                _world.Newest.Frozen = true;
                break;
            case Kind.Clock when !_kinds.Contains(Kind.Redis):
                _world.ClockError = -3600.0 * _dice.Below(48);
                break;
            case Kind.Redis:
                GoBack(wipe: _dice.Chance(35));
                break;
            case Kind.Absence:
                Absence(worker);
                break;
            case Kind.Goal:
                _world.Goal = 1 + _dice.Below(2);
                _world.Say($"{_world.Goal} copies are wanted");
                break;
            case Kind.Rot when worker.Up && !_kinds.Contains(Kind.Goal):
                // With one copy wanted and nobody yet aware of it, the good one may rightly go.
                Rot(worker);
                break;
            case Kind.Load:
                _world.Overloaded = _dice.Below(4) - 1;
                break;
        }
    }

    private void GoOn(Doing doing)
    {
        if (!doing.GoOn() || doing.Master.Stopped) End(doing);
    }

    private void End(Doing doing)
    {
        _world.Doings.Remove(doing);
        if (doing.Operation is { } operation && operation.Until == int.MaxValue) operation.Until = _world.Step;
    }

    private void Deliver(Call call, bool lost = false)
    {
        if (call.Delivered || lost)
        {
            _world.Calls.Remove(call);
            if (!lost) (call.Answer, call.Ended) = (call.Result, true);
            return;
        }

        call.Delivered = true;
        // Tokens live 60 s: nothing older is obeyed.
        if (call.Worker.Up && _world.Now - call.SentAt <= 60 && call.Worker.Obeys(call.Epoch)) call.Result = call.Run(call.Worker);
        else if (!call.Worker.Up) _world.Calls.Remove(call);
        if (_world.Tells) _world.Say($"call of {call.From} reaches worker {call.Worker.Number}: {call.Result ?? "refused"}");
    }

    private void Deliver(Transaction transaction, bool lost = false)
    {
        if (!transaction.Applied)
        {
            if (lost) { _world.Transactions.Remove(transaction); return; }
            _world.Redis.Apply(transaction, _world.Flaw);
            if (_world.Redis.Copies.Count < 6 || _dice.Chance(20)) _world.Redis.Copies.Add(_world.Redis.Data);
            var what = transaction.Next is null ? "fence" : "transaction";
            if (_world.Tells) _world.Say($"Redis {(transaction.Done ? "applies" : "refuses")} a {what} of {transaction.From}");
            if (!_world.Calm && _dice.Chance(40)) return;
            // The connection breaks: the answer is lost for good.
            if (!_world.Calm && _dice.Chance(2 * _losses)) { _world.Transactions.Remove(transaction); return; }
        }

        transaction.Answered = true;
        _world.Transactions.Remove(transaction);
    }

    private void Deliver(ModelBeat beat, bool lost = false)
    {
        if (beat.To.Frozen && !lost) return;
        _world.Beats.Remove(beat);
        if (lost || beat.To.Stopped || _world.Now - beat.SentAt > 60) return;
        if (beat.To.Answer(beat) is { } reply) _world.Replies.Add(reply);
    }

    private void Deliver(ModelReply reply, bool lost = false)
    {
        _world.Replies.Remove(reply);
        var worker = reply.To.From;
        if (lost || !worker.Up || worker.Life != reply.To.Life || (_world.Now - reply.To.SentAt > 60 && _world.Flaw != Flaw.DeleteOrdersWithoutLife)) return;
        if (_world.Tells && reply.Orders.Count > 0)
            _world.Say($"worker {worker.Number} is told by {reply.To.To}: {string.Join(", ", reply.Orders.Select(Short))}");
        worker.Obey(reply, !_world.Calm && _dice.Chance(4) ? _dice.Below(4) : -1);
    }

    private void Beat(ModelWorker worker, bool inventory = true)
    {
        if (!worker.Up) return;
        var to = _dice.Chance(_strays) ? _dice.Pick(_world.Masters) : _world.Newest;
        if (to.Stopped || IsLonely(worker, to)) return;
        _world.Beats.Add(worker.Beat(to, inventory && _dice.Chance(85)));
    }

    // A node that was away too long does not meet a rebuilding master alone (docs/decisions/absence.md).
    private bool IsLonely(ModelWorker worker, ModelMaster to)
    {
        var age = _world.Workers.Max(other => other.ClusterAge);
        return to.ClusterAge < age && worker.ClusterAge < age && Mdfs.Master.Catalog.Absence.IsTooLong(worker.SettledAge, age, ModelMaster.Retention);
    }

    private void Operate()
    {
        if (_operations == 0 || !_world.Newest.Runs) return;
        var master = _dice.Chance(90) ? _world.Newest : _dice.Pick(_world.Masters);
        if (!master.Runs) return;
        _operations--;
        if (_dice.Chance(75)) Round();
        if (!master.Runs) return;
        var number = _world.Ledger.Operations.Count + 1;
        // Deleting what is not there teaches little.
        var upload = _dice.Chance(master.Memory.Entry is null ? 92 : 55) ? _world.NewBytes(number) : null;
        var operation = new Operation(number, upload?.Upload);
        _world.Ledger.Operations.Add(operation);
        _world.Say($"{operation} begins at {master}");
        _world.Begin(master, upload is null ? master.Delete(operation) : master.Upload(operation, upload), operation);
    }

    private void TickAll()
    {
        foreach (var master in _world.Masters)
            if (master.Runs && (master == _world.Newest || _world.Calm || _dice.Chance(30))) Tick(master);
    }

    private void Tick(ModelMaster master)
    {
        master.Tick();
        if (master.Runs && master.Maintain() is { } change) _world.Begin(master, change);
    }

    private void Pull()
    {
        var worker = _dice.Pick(_world.Workers);
        if (worker.Up && worker.Pulls.Count > 0) worker.FinishPull(_dice.Below(worker.Pulls.Count));
    }

    /// <summary>A quiet moment: every worker that is up beats, is answered, and obeys.</summary>
    private void Round()
    {
        if (!_world.Newest.Runs) return;
        var age = _world.Workers.Max(worker => worker.ClusterAge);
        // Whoever knows least comes first most often: that is when a rebuilding master could be misled.
        var oldest = Array.FindIndex(_world.Workers, worker => worker.Up && worker.SettledAge < age - Day);
        var first = oldest >= 0 && _world.Newest.Rebuilding && _dice.Chance(60) ? oldest : _dice.Below(3);
        var company = Array.Exists(_world.Workers, worker => worker.Up && worker.ClusterAge >= age);
        for (var i = 0; i < 3; i++)
        {
            var worker = _world.Workers[(first + i) % 3];
            if (!worker.Up || _world.Newest.Stopped || (!company && IsLonely(worker, _world.Newest))) continue;
            var beat = worker.Beat(_world.Newest, inventory: true);
            if (_world.Newest.Answer(beat) is { } reply) Deliver(reply);
            if (_world.Newest.Rebuilding && _dice.Chance(40)) TickAll();
        }
    }

    private void PassLong()
    {
        var days = _absent >= 0 && _dice.Chance(40) ? 33.0 : _dice.Below(4) switch { 0 => 2 / 24.0, 1 => 1.1, 2 => 12.0, _ => 33.0 };
        _world.Say($"{days:f1} days go by");
        PassDays(days);
        if (days > 30) _absent = -1;
    }

    /// <summary>Days during which whoever is up keeps beating.</summary>
    private void PassDays(double days)
    {
        while (days > 0)
        {
            Quiet();
            _world.Pass(Math.Min(days, 8) * Day);
            days -= 8;
            Quiet();
        }
    }

    private void Absence(ModelWorker worker)
    {
        if (_absent >= 0) return;
        _absent = worker.Number;
        if (worker.Up) worker.Crash();
        _world.Say($"worker {worker.Number} is switched off for long");
    }

    private void Rot(ModelWorker worker)
    {
        if (_rotted || worker.Sealed.Count == 0) return;
        var replica = worker.Sealed.Values.Last();
        var others = _world.Workers.Count(other => other != worker && other.Sealed.ContainsKey(replica.Description.Version.Number));
        if (others == 0) return;
        _rotted = replica.Rotten = true;
        _world.Say($"a block of {replica.Description.Version} on worker {worker.Number} goes bad");
    }

    private void GoBack(bool wipe)
    {
        var young = _world.Redis.Copies.FindAll(copy => copy.ClusterAge > _world.Masters.Max(master => master.ClusterAge) - (20 * Day));
        wipe |= young.Count == 0;
        _wentBack = true;
        _world.Redis.Data = wipe ? RedisData.Empty : _dice.Pick(young);
        _world.Say(wipe ? "Redis is wiped" : $"Redis goes back to sequence {_world.Redis.Data.Position.Sequence} of epoch {_world.Redis.Data.Position.Epoch}");
    }

    private void StartWorker(ModelWorker worker)
    {
        // Only when nobody takes it for alive any more: with one copy wanted, the good one may go while this one has just been heard, and that is nobody's fault.
        if (worker.Number == _rotting && _world.Now - worker.LastBeat > 80) Rot(worker);
        worker.Start();
        _world.Say($"worker {worker.Number} starts");
    }

    private void StartMaster()
    {
        _world.Pass(0.01);
        _world.Masters.Add(new ModelMaster(_world));
        _world.Say($"{_world.Newest} starts");
    }

    private void Crash(ModelMaster master)
    {
        if (master.Stopped) return;
        master.Stop("it crashes");
        foreach (var doing in _world.Doings.FindAll(doing => doing.Master == master)) End(doing);
    }

    /// <summary>No more faults: everything comes back, everything on its way arrives, and time goes by until nothing is left to do.</summary>
    private string? Settle()
    {
        _world.Say("no more faults");
        _world.Calm = true;
        if (_kinds.Contains(Kind.Redis) && _dice.Chance(_kinds.Contains(Kind.Absence) ? 60 : 30))
        {
            // A power cut takes all of them, and the disk of Redis with it.
            Crash(_world.Newest);
            GoBack(wipe: true);
        }

        foreach (var master in _world.Masters) master.Frozen = false;
        foreach (var worker in _world.Workers)
            if (!worker.Up) StartWorker(worker);
        foreach (var days in new[] { 0, 0.09, 1.2, 33, 33, 0.09 })
        {
            PassDays(days);
            for (var round = days == 0 ? 14 : 7; round > 0; round--)
                if (Rest() is { } violation) return violation;
        }

        return Remains();
    }

    /// <summary>Everything that is on its way arrives, and whoever is up does what there is to do.</summary>
    private void Quiet()
    {
        _world.Pass(4);
        foreach (var call in _world.Calls.ToList()) Deliver(call);
        foreach (var transaction in _world.Transactions.ToList()) Deliver(transaction);
        foreach (var beat in _world.Beats.ToList()) Deliver(beat);
        foreach (var reply in _world.Replies.ToList()) Deliver(reply);
        Round();
        foreach (var worker in _world.Workers)
            while (worker.Pulls.Count > 0) worker.FinishPull(0);
        TickAll();
        for (var turn = 0; turn < 6; turn++)
            foreach (var doing in _world.Doings.ToList())
                if (doing.IsReady) GoOn(doing);
    }

    /// <summary>A quiet moment at the end: nobody stays down, and every replica is re-read.</summary>
    private string? Rest()
    {
        _world.Step++;
        if (!_world.Newest.Runs) StartMaster();
        Quiet();
        foreach (var worker in _world.Workers)
        {
            if (!worker.Up) StartWorker(worker);
            foreach (var replica in worker.Sealed.Values) (replica.Damaged, replica.Verified) = (replica.Rotten, !replica.Rotten);
        }

        return Violation();
    }

    /// <summary>What must hold at every moment.</summary>
    private string? Violation()
    {
        if (_world.Ledger.Certain() is { } certain && !_world.Workers.Any(worker => worker.Sealed.Values.Any(
                replica => !replica.Rotten && replica.Description.Upload == certain.Upload)
                || worker.Quarantine.Exists(aside => aside.Rightly && aside.Replica.Upload == certain.Upload)))
            return $"no good copy of {certain} is left on any disk";
        // Once Redis went back, the master cannot know before the workers have told it.
        return !_wentBack && _world.Newest is { Runs: true, Settled: true } master ? _world.Ledger.Forbids(master.Memory.Entry?.Replica.Upload) : null;
    }

    /// <summary>What must be true when nothing is left to do.</summary>
    private string? Remains()
    {
        var master = _world.Newest;
        if (!master.Settled) return "the newest master never came to rest";
        var entry = master.Memory.Entry;
        var copies = entry is null ? 0 : _world.Workers.Count(worker => worker.Sealed.Values.Any(
            replica => !replica.Rotten && replica.Description == entry.Replica));
        // An entry of which no byte exists is shown as lost and read by nobody; it can only come from a Redis that went back.
        var isLost = entry is not null && copies == 0 && _wentBack;
        var stands = isLost ? null : entry?.Replica.Upload;
        foreach (var worker in _world.Workers)
            foreach (var (replica, rightly) in worker.Quarantine)
                if (!rightly) return $"worker {worker.Number} has put {replica.Version} into quarantine";
        // What a node that was away too long brought after a wipe waits for the admin's word, and so do the bytes below an entry that is lost. But
        // only what may be the truth excuses: a movie that came back is none the better for another one that lies in quarantine.
        var unsettled = _world.Workers.FirstOrDefault(worker => worker.SettledAge < master.ClusterAge - Day);
        if (isLost && unsettled is not null) return $"worker {unsettled.Number} was never settled below a lost entry";
        if (isLost && _world.Workers.Any(worker => worker.Quarantine.Exists(aside => MayStand(aside.Replica)))) return null;
        if (_world.Workers.Any(worker => worker.Quarantine.Exists(aside => !(aside.Replica.Version < entry?.Version) && MayStand(aside.Replica)))) return null;
        if (_world.Ledger.Forbids(stands) is { } forbidden) return forbidden;
        if (isLost) return null;
        if (stands is not null && copies != _world.Goal) return $"the movie has {copies} copies in the end";
        foreach (var worker in _world.Workers)
        {
            if (worker.Sealed.Values.FirstOrDefault(replica => replica.Description != entry?.Replica) is { } orphan)
                return $"worker {worker.Number} still has {orphan.Description.Version}";
            if (worker.Prepared.Count > 0) return $"worker {worker.Number} still has prepared bytes";
            if (worker.Tombstone is not null) return $"worker {worker.Number} still has a tombstone";
            if (worker == unsettled) return $"worker {worker.Number} was never settled";
        }

        return master.Memory.Tombstone is null ? null : "the tombstone is never forgotten";
    }

    private bool MayStand(ReplicaDescription replica) => _world.Ledger.Forbids(replica.Upload) is null;

    private enum Kind
    {
        Start,
        Worker,
        Master,
        SecondMaster,
        Freeze,
        Clock,
        Redis,
        Absence,
        Rot,
        Goal,
        Load,
    }

    private static string Short(NodeOrder order) => order switch
    {
        DeleteOrder delete => $"delete {delete.Version} ({delete.Reason})",
        QuarantineOrder quarantine => $"quarantine {quarantine.Version} ({quarantine.Reason})",
        SealOrder seal => $"seal {seal.Replica.Version}",
        PullOrder pull => $"pull {pull.Replica.Version}",
        VerifyOrder verify => $"verify {verify.Version}",
        _ => order.GetType().Name,
    };
}
