using System.Globalization;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>A control call from a master to a worker: it may arrive late or never, and so may its answer.</summary>
internal sealed class Call(ModelMaster from, long epoch, ModelWorker worker, Func<ModelWorker, object?> run, double sentAt)
{
    public ModelMaster From => from;
    public long Epoch => epoch;
    public ModelWorker Worker => worker;
    public Func<ModelWorker, object?> Run => run;
    public double SentAt => sentAt;
    public bool Delivered { get; set; }
    public object? Result { get; set; }
    public bool Ended { get; set; }
    public object? Answer { get; set; }
}

/// <summary>Something that a master is doing; it goes on when what it waits for has come.</summary>
internal sealed class Doing(ModelMaster master, IEnumerable<Func<bool>> steps, Operation? operation)
{
    private readonly IEnumerator<Func<bool>> _steps = steps.GetEnumerator();

    public ModelMaster Master => master;
    public Operation? Operation => operation;
    public bool Started { get; private set; }

    public bool IsReady => master.Runs && (!Started || _steps.Current());

    /// <summary>False when it has come to its end.</summary>
    public bool GoOn()
    {
        Started = true;
        return _steps.MoveNext();
    }
}

/// <summary>Everything there is in one history, and what is on its way.</summary>
internal sealed class World(ulong seed, Flaw flaw, List<string>? trace)
{
    public const string ClusterId = "0123456789abcdef0123456789abcdef";
    public static readonly FileName Name = FileName.Parse("movie.mp4");
    private static readonly DateTimeOffset Beginning = DateTimeOffset.UnixEpoch.AddYears(56);

    public Dice Dice { get; } = new(seed);
    public Flaw Flaw => flaw;
    public int Step { get; set; }

    /// <summary>Whether the faults are over.</summary>
    public bool Calm { get; set; }

    /// <summary>Monotonic seconds.</summary>
    public double Now { get; private set; }

    /// <summary>What the operator's clock is off by, in seconds.</summary>
    public double ClockError { get; set; }

    /// <summary>The replication factor that the operator has set.</summary>
    public int Goal { get; set; } = 2;

    /// <summary>The worker that other movies have overloaded, or -1: where copies should be moves with it.</summary>
    public int Overloaded { get; set; } = -1;

    public DateTimeOffset Wall => Beginning.AddSeconds(Now + ClockError);
    public ModelRedis Redis { get; } = new();
    public ModelWorker[] Workers { get; private set; } = [];
    public List<ModelMaster> Masters { get; } = [];
    public Ledger Ledger { get; } = new();
    public List<Call> Calls { get; } = [];
    public List<Transaction> Transactions { get; } = [];
    public List<ModelBeat> Beats { get; } = [];
    public List<ModelReply> Replies { get; } = [];
    public List<Doing> Doings { get; } = [];

    public static World Begin(ulong seed, Flaw flaw, List<string>? trace)
    {
        var world = new World(seed, flaw, trace);
        world.Workers = [new ModelWorker(world, 0), new ModelWorker(world, 1), new ModelWorker(world, 2)];
        world.Masters.Add(new ModelMaster(world));
        return world;
    }

    /// <summary>The master that started last; what it says is what counts.</summary>
    public ModelMaster Newest => Masters[^1];

    public bool Tells => trace is not null;

    public void Say(string what) => trace?.Add($"{Step,5} {Now,12:f0} s  {what}");

    public Call Call(ModelMaster from, ModelWorker worker, Func<ModelWorker, object?> run)
    {
        var call = new Call(from, from.Epoch, worker, run, Now);
        Calls.Add(call);
        return call;
    }

    public Transaction Submit(ModelMaster from, Said? next)
    {
        var transaction = new Transaction(from, from.Position, next, Now);
        Transactions.Add(transaction);
        return transaction;
    }

    public void Begin(ModelMaster master, IEnumerable<Func<bool>> steps, Operation? operation = null) => Doings.Add(new Doing(master, steps, operation));

    public ReplicaDescription NewBytes(int number)
    {
        if (!UploadId.TryParse(number.ToString("x32", CultureInfo.InvariantCulture), out var upload)) throw new InvalidOperationException();
        return new ReplicaDescription(Name, MovieVersion.None, 1000 + number, new Checksum((uint)number), DateTimeOffset.UnixEpoch, upload, ClusterId);
    }

    /// <summary>Time goes by; a cluster grows older only while a master runs.</summary>
    public void Pass(double seconds)
    {
        Now += seconds;
        foreach (var master in Masters)
            if (master.Runs) master.ClusterAge += seconds;
    }
}
