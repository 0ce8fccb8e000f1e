using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Tests.Unit.Model;

/// <summary>What a master knows of one node; all of it is gone with the master.</summary>
internal sealed class ModelNode
{
    public double? LastHeard { get; set; }
    public int Life { get; set; }
    public long Number { get; set; }
    public double LastBeat { get; set; } = double.NegativeInfinity;
    public double SettledAge { get; set; }
    public bool HasInventory { get; set; }

    /// <summary>The step at which its inventory came.</summary>
    public int InventoryAt { get; set; }

    /// <summary>Its inventory came under this master's epoch: only then it has stopped obeying another.</summary>
    public bool Counted { get; set; }

    public List<ReplicaReport> Sealed { get; } = [];
    public PreparedReport[] Prepared { get; set; } = [];
    public Tombstone? Tombstone { get; set; }

    /// <summary>Removals that may still happen, by version, with the number of the reply that ordered them.</summary>
    public Dictionary<MovieVersion, long> Leaving { get; } = [];

    public List<PullOrder> Pulls { get; } = [];
    public Dictionary<MovieVersion, double> Pulling { get; } = [];

    public void Forget()
    {
        (Number, HasInventory, Counted, Prepared, Tombstone) = (0, false, false, [], null);
        Sealed.Clear();
        Leaving.Clear();
        Pulls.Clear();
        Pulling.Clear();
    }
}

/// <summary>
/// A master: its memory, and how it comes to reign and to end. What it commits, how it answers beats and what it keeps in order stands in the other
/// parts.
/// </summary>
internal sealed partial class ModelMaster
{
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);
    private const double Period = 15;
    private static readonly PlacementRules Placing = new();

    private readonly World _world;
    private readonly ModelNode[] _nodes = [new(), new(), new()];
    private double _startedAt;
    private double _lastRegistered;
    private readonly string _reign;
    private bool _locked;
    private CatalogEntry? _putBack;
    private int _currentSince;

    public ModelMaster(World world)
    {
        _world = world;
        var held = world.Redis.Data;
        (Memory, ClusterAge, _startedAt, _lastRegistered) = (held.Said, held.ClusterAge, world.Now, world.Now);
        (_nodes[0].LastHeard, _nodes[1].LastHeard, _nodes[2].LastHeard) = held.LastHeard;
        Rebuilding = held.Position.Epoch is null;
        Epoch = (held.Position.Epoch ?? 0) + 1;
        _reign = $"reign {world.Masters.Count + 1}";
        Write();
    }

    public long Epoch { get; private set; }
    public long Sequence { get; private set; }

    /// <summary>Where this master left Redis.</summary>
    public StorePosition Position => new(Epoch, _reign, Sequence, null, null);

    public Said Memory { get; private set; }
    public double ClusterAge { get; set; }
    public bool Rebuilding { get; private set; }
    public bool Stopped { get; private set; }
    public bool Frozen { get; set; }
    public bool Runs => !Stopped && !Frozen;
    public bool Settled => !_locked && !Rebuilding;
    public HashSet<UploadId> Open { get; } = [];

    private bool InGrace => _world.Now - _startedAt < Period;

    public override string ToString() => $"master {Epoch} ({_reign})";

    public void Stop(string why)
    {
        _world.Say($"{this} ends: {why}");
        Stopped = true;
    }

    public ClusterView View() => Views.Of(
        [.. _nodes.Select(node => node.LastHeard is not null)], [.. _nodes.Select(node => _world.Now - node.LastBeat <= Period)], _world.Overloaded);

    private bool IsAlive(int node) => _world.Now - _nodes[node].LastBeat <= Period;

    private Dictionary<NodeId, NodeActivity> Activity() =>
        Enumerable.Range(0, 3).ToDictionary(
            i => Nodes.Id(i + 1), i => new NodeActivity(0, TimeSpan.FromSeconds(Math.Min(1e6, _world.Now - _nodes[i].LastBeat))));

    /// <summary>Writes the whole memory into Redis, under this master's epoch; what other masters still have under way finds its conditions gone.</summary>
    private void Write()
    {
        Sequence = Math.Max(Sequence, _world.Redis.Data.Position.Sequence ?? 0) + 1;
        _world.Redis.Data = new RedisData(Position, Memory, ClusterAge, (_nodes[0].LastHeard, _nodes[1].LastHeard, _nodes[2].LastHeard));
    }

    /// <summary>
    /// The cluster age is in Redis before anything is decided by it: a master that started with an older one would not see who was away too long.
    /// </summary>
    private void WriteAge()
    {
        if (_world.Redis.Data.Position is { } position && position.Epoch == Epoch && position.Reign == _reign)
            _world.Redis.Data = _world.Redis.Data with { ClusterAge = ClusterAge, LastHeard = (_nodes[0].LastHeard, _nodes[1].LastHeard, _nodes[2].LastHeard) };
    }

    /// <summary>Does what the rules say about an epoch heard of, or about finding Redis changed.</summary>
    private void Compare(long heard)
    {
        switch (PositionVerdict.Judge(_world.Redis.Data.Position, Position))
        {
            case PositionVerdict.Replaced replaced:
                Stop($"Redis has epoch {replaced.Epoch}");
                return;
            case PositionVerdict.WentBack:
                _world.Say($"{this} writes its memory into Redis");
                Write();
                break;
        }

        if (heard <= Epoch) return;
        Epoch = heard + 1;
        _world.Say($"{this} has raised itself");
        Write();
        Rebuild();
        foreach (var node in _nodes) node.Forget();
        _startedAt = _world.Now;
    }

    private void Rebuild()
    {
        if (!Rebuilding) _world.Say($"{this} is rebuilding");
        Rebuilding = true;
        _lastRegistered = _world.Now;
    }
}
