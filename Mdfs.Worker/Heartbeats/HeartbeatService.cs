using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Status;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Heartbeats;

/// <summary>Says every few seconds what this node is and has, and does what the answer orders (design, section 6).</summary>
internal sealed partial class HeartbeatService : PeriodicService, IHostedLifecycleService
{
    // A stop must not wait for a master that hangs; without the goodbye it notices the silence.
    private static readonly TimeSpan _goodbyePatience = TimeSpan.FromSeconds(2);

    private readonly NodeAddress _address;
    private readonly BeatBuilder _builder;
    private readonly MasterLink _link;
    private readonly MasterAddresses _masters;
    private readonly NodeTokens _tokens;
    private readonly Obedience _obedience;
    private readonly InventorySender _inventory;
    private readonly Standing _standing;
    private readonly WorkerMetrics _metrics;
    private readonly SharedStop _sharedStop;
    private readonly ILogger<HeartbeatService> _logger;
    private string? _trouble;
    private long _applied;
    private long _appliedEpoch;
    private int _mastersVersion = WireVersion.Current;
    private volatile bool _leaving;

    public HeartbeatService(
        NodeAddress address, BeatBuilder builder, MasterLink link, MasterAddresses masters, NodeTokens tokens, Obedience obedience, InventorySender inventory,
        Standing standing, BeatBell bell, WorkerMetrics metrics, SharedStop sharedStop, IOptions<WorkerOptions> options, TimeProvider time, ILogger<HeartbeatService> logger)
        : base(time, () => options.Value.HeartbeatInterval, logger)
    {
        _address = address;
        _builder = builder;
        _link = link;
        _masters = masters;
        _tokens = tokens;
        _obedience = obedience;
        _inventory = inventory;
        _standing = standing;
        _metrics = metrics;
        _sharedStop = sharedStop;
        _logger = logger;
        bell.Answer(Wake);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Says goodbye while everything still runs, so that the master sends nobody here any more before this node stops listening. Whoever is to stop at
    /// once says nothing.
    /// </summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _leaving = true;
        if (cancellationToken.IsCancellationRequested) return;
        using var patience = new CancellationTokenSource(_goodbyePatience, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await RunOnceAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            LogNoGoodbye("it does not answer");
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_leaving)
        {
            await SayGoodbyeAsync(cancellationToken);
            return;
        }

        var beat = _builder.Build(await _address.GetAsync(cancellationToken), _applied, leaving: false);
        var sent = Time.GetTimestamp();
        var answer = await _link.PostAsync(Routes.Master.Beats, JsonSerializer.SerializeToUtf8Bytes(beat, WireJson.Default.Beat), beat.Nonce, cancellationToken);
        _metrics.Beat(answer.Succeeded);
        var trouble = answer.Succeeded ? await TakeAsync(answer.Value, beat, sent) : answer.Failure.Reason;
        if (trouble is not null && _standing.Refused is null) _masters.Rotate();
        Note(trouble);
    }

    /// <summary>What the answer says is of no interest: nothing is carried out any more.</summary>
    private async Task SayGoodbyeAsync(CancellationToken cancellationToken)
    {
        if (_sharedStop.Announced) return;
        var beat = _builder.Build(await _address.GetAsync(cancellationToken), _applied, leaving: true);
        var answer = await _link.PostAsync(Routes.Master.Beats, JsonSerializer.SerializeToUtf8Bytes(beat, WireJson.Default.Beat), beat.Nonce, cancellationToken);
        if (answer.Succeeded) LogGoodbye();
        else LogNoGoodbye(answer.Failure.Reason);
    }

    /// <returns>What is wrong with the answer, or null.</returns>
    private async Task<string?> TakeAsync(MasterAnswer answer, Beat beat, long sent)
    {
        if (!_tokens.CheckReply(answer.Signature, beat.Nonce, answer.Body)) return "its reply was not signed with this cluster's key";
        if (Read(answer.Body) is not { } reply) return "its reply cannot be read";
        // It is asked only of those who obey already. Before the rest, which fails on a disk that cannot be written: what lies there is known all the same.
        if (reply.SendInventory) _inventory.Wake();
        var verdict = await _obedience.ObeyAsync(reply, beat.Number, sent);
        if (verdict != ReplyVerdict.Obeyed) return Sentence(verdict, reply);
        // Numbers belong to one master: those of the one before say nothing to its successor.
        _applied = reply.Epoch == _appliedEpoch ? Math.Max(_applied, reply.Number) : reply.Number;
        _appliedEpoch = reply.Epoch;
        if (reply.Protocol != _mastersVersion && WireVersion.Remark("The master", reply.Protocol) is { } remark) LogOtherVersion(remark);
        _mastersVersion = reply.Protocol;
        // A new master counts nothing of ours before it has seen that we obey it: show it at once.
        if (reply.Epoch > beat.Epoch) Wake();
        return null;
    }

    private static BeatReply? Read(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, WireJson.Default.BeatReply);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Sentence(ReplyVerdict verdict, BeatReply reply) => verdict switch
    {
        ReplyVerdict.Refused => $"it refuses this node: {reply.Refused}",
        ReplyVerdict.Stale => $"it speaks for epoch {reply.Epoch}, which is over",
        _ => $"it reigns over cluster '{reply.ClusterId}', and this node belongs to another one",
    };

    // Once per change: a master that is away for an hour makes two lines, not seven hundred.
    private void Note(string? trouble)
    {
        if (trouble == _trouble || _sharedStop.Announced) return;
        if (trouble is null) LogConnected(_masters.Current);
        else LogTrouble(_masters.Current, trouble);
        _trouble = trouble;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The master answers again, at {Address}.")]
    private partial void LogConnected(string address);

    [LoggerMessage(Level = LogLevel.Information, Message = "This node stops, and the master has been told.")]
    private partial void LogGoodbye();

    [LoggerMessage(Level = LogLevel.Information, Message = "This node stops. The master could not be told and will notice its silence: {Reason}.")]
    private partial void LogNoGoodbye(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Remark}")]
    private partial void LogOtherVersion(string remark);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No master takes this node's beats (next attempt at {Address}): {Reason}.")]
    private partial void LogTrouble(string address, string reason);
}
