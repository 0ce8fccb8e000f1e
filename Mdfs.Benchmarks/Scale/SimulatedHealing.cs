using Mdfs.Master;
using Mdfs.Master.Cluster;
using Mdfs.Master.Repair;
using Mdfs.Protocol.Wire;

namespace Mdfs.Benchmarks.Scale;

/// <summary>
/// The healing of a lost node in time, by the planner and the plan ahead that the master uses. Every node receives and sends so many bytes a second, which its copies share alike; a beat takes no
/// time. As in the master, a plan is made anew whenever the fixer looks, and when a node has done all that was planned for it.
/// </summary>
internal sealed class SimulatedHealing
{
    private const double BytesPerSecond = 100e6;
    private static readonly MasterOptions _options = new();

    private readonly SimulatedCluster _cluster;
    private readonly PlacementRules _placement;
    private readonly int _lost;
    private readonly long[] _used;
    private readonly int[] _receiving;
    private readonly int[] _sending;
    private readonly List<Pull> _running = [];
    private readonly PullsAhead _ahead = new();

    // Nodes that have a place free, perhaps.
    private readonly SortedSet<int> _asking = [];
    private readonly Dictionary<long, RepairCandidate> _lacking;
    private readonly int _movies;

    // With more movies on larger disks everything takes as many times longer, and looking is done as much more seldom: a look costs processor time here, and none of the simulated.
    private readonly int _slowness;
    private double _now;
    private double _planned = double.NegativeInfinity;
    private bool _dry = true;

    public SimulatedHealing(SimulatedCluster cluster, PlacementRules placement, int lost)
    {
        (_cluster, _placement, _lost) = (cluster, placement, lost);
        _used = [.. Enumerable.Range(0, cluster.Nodes).Select(node => node == lost ? 0 : cluster.Used(node))];
        (_receiving, _sending, Sent, Received) = (new int[cluster.Nodes], new int[cluster.Nodes], new long[cluster.Nodes], new long[cluster.Nodes]);
        _lacking = cluster.Lacking(lost).ToDictionary(static candidate => candidate.Replica.Version.Number);
        (_movies, _slowness) = (_lacking.Count, Math.Max(1, cluster.Movies / 1_000_000));
    }

    public long[] Sent { get; }

    public long[] Received { get; }

    /// <summary>Seconds after which half, nine tenths, and all of the movies had their copies again.</summary>
    public (double Half, double Most, double All) Took { get; private set; }

    /// <summary>Processor time of a plan, the dearest and on average.</summary>
    public (TimeSpan Most, TimeSpan Mean, int Count) Plans { get; private set; }

    public (double Most, double Least) FillAfter => _cluster.FillOf(_used, _lost);

    private double LookInterval => _slowness * _options.RepairInterval.TotalSeconds;

    private bool Waiting => _lacking.Count > _running.Count;

    public void Run()
    {
        var (costs, done, half, most) = (new List<TimeSpan>(), 0, 0.0, 0.0);
        while (done < _movies)
        {
            if (_now >= _planned + LookInterval && Waiting) costs.Add(Plan());
            Begin();
            if (_running.Count == 0 && !_dry) break;
            Advance();
            foreach (var pull in _running.Where(static pull => pull.Left <= 0).ToList())
            {
                End(pull);
                done++;
                if (done == _movies / 2) half = _now;
                if (done == _movies * 9L / 10) most = _now;
            }
        }

        Took = (half, most, _now);
        Plans = (costs.Max(), TimeSpan.FromTicks((long)costs.Average(static cost => cost.Ticks)), costs.Count);
    }

    private TimeSpan Plan()
    {
        (_planned, _dry) = (_now, false);
        var view = _cluster.View(_used, _lost, inFlight: InFlight());
        var rules = RepairRules.Of(_options, view.AliveCount, TimeSpan.Zero) with { Placement = _placement, ReplicationFactor = _cluster.Copies };
        var activity = Enumerable.Range(0, _cluster.Nodes).ToDictionary(SimulatedNodes.Id, node => new NodeActivity(_sending[node], default));
        List<RunningPull> running = [.. _running.Select(static pull => new RunningPull(pull.Order.Replica.Version, SimulatedNodes.Id(pull.Target), (long)pull.Left, SimulatedNodes.Id(pull.Source)))];
        var began = Environment.CpuUsage.TotalTime;
        var plan = RepairPlanner.Plan(view, _lacking.Values, running, activity, rules, inGrace: false);
        var took = Environment.CpuUsage.TotalTime - began;
        _ahead.Replace(plan);
        _asking.UnionWith(Enumerable.Range(0, _cluster.Nodes).Where(node => node != _lost));
        return took;
    }

    private void Begin()
    {
        foreach (var node in _asking)
        {
            if (_ahead.IsEmptyFor(SimulatedNodes.Id(node))) continue;
            var running = _receiving.Select(static (count, at) => (count, at)).Where(static one => one.count > 0).ToDictionary(static one => SimulatedNodes.Id(one.at), static one => one.count);
            foreach (var planned in _ahead.Take(SimulatedNodes.Id(node), running, _options.RepairConcurrencyPerNode, _options.MostPulls(_cluster.Nodes - 1), slow: new Dictionary<NodeId, int>(), mostSlow: 0))
            {
                var pull = new Pull(planned.Order, SimulatedNodes.Number(planned.Order.Sources[0].Node), node) { Left = planned.Order.Replica.Size };
                _running.Add(pull);
                _receiving[node]++;
                _sending[pull.Source]++;
            }
        }

        _asking.Clear();
    }

    /// <summary>To the end of the next copy, or to the fixer's next look if somebody waits for it.</summary>
    private void Advance()
    {
        var time = _dry && Waiting ? Math.Max(0, _planned + LookInterval - _now) : double.PositiveInfinity;
        foreach (var pull in _running) time = Math.Min(time, pull.Left / Rate(pull));
        foreach (var pull in _running) pull.Left -= Rate(pull) * time;
        // Of what divides by threes something is left that takes no time.
        foreach (var pull in _running)
            if (pull.Left < 1) pull.Left = 0;
        _now += time;
    }

    private double Rate(Pull pull) => BytesPerSecond / Math.Max(_receiving[pull.Target], _sending[pull.Source]);

    private void End(Pull pull)
    {
        var size = pull.Order.Replica.Size;
        _running.Remove(pull);
        _receiving[pull.Target]--;
        _sending[pull.Source]--;
        _used[pull.Target] += size;
        Received[pull.Target] += size;
        Sent[pull.Source] += size;
        _lacking.Remove(pull.Order.Replica.Version.Number);
        _asking.Add(pull.Target);
        _dry |= _ahead.IsEmptyFor(SimulatedNodes.Id(pull.Target));
    }

    private long[] InFlight()
    {
        var bytes = new long[_cluster.Nodes];
        foreach (var pull in _running) bytes[pull.Target] += pull.Order.Replica.Size;
        return bytes;
    }

    private sealed class Pull(PullOrder order, int source, int target)
    {
        public PullOrder Order => order;

        public int Source => source;

        public int Target => target;

        public double Left { get; set; }
    }
}
