using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Worker.Status;
using Microsoft.Extensions.Options;

namespace Mdfs.Worker.Heartbeats;

/// <summary>Says every few seconds what this node is and has, and does what the answer orders (design, section 6).</summary>
internal sealed partial class HeartbeatService : PeriodicService
{
    private readonly NodeAddress _address;
    private readonly BeatBuilder _builder;
    private readonly MasterLink _link;
    private readonly MasterAddresses _masters;
    private readonly NodeTokens _tokens;
    private readonly Obedience _obedience;
    private readonly InventorySender _inventory;
    private readonly Standing _standing;
    private readonly WorkerMetrics _metrics;
    private readonly ILogger<HeartbeatService> _logger;
    private string? _trouble;
    private long _applied;
    private long _appliedEpoch;

    public HeartbeatService(
        NodeAddress address, BeatBuilder builder, MasterLink link, MasterAddresses masters, NodeTokens tokens, Obedience obedience, InventorySender inventory,
        Standing standing, BeatBell bell, WorkerMetrics metrics, IOptions<WorkerOptions> options, TimeProvider time, ILogger<HeartbeatService> logger)
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
        _logger = logger;
        bell.Answer(Wake);
    }

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        var beat = _builder.Build(await _address.GetAsync(cancellationToken), _applied);
        var sent = Time.GetTimestamp();
        var answer = await _link.PostAsync(Routes.Master.Beats, JsonSerializer.SerializeToUtf8Bytes(beat, WireJson.Default.Beat), beat.Nonce, cancellationToken);
        _metrics.Beat(answer.Succeeded);
        var trouble = answer.Succeeded ? await TakeAsync(answer.Value, beat, sent) : answer.Failure.Reason;
        if (trouble is not null && _standing.Refused is null) _masters.Rotate();
        Note(trouble);
    }

    /// <returns>What is wrong with the answer, or null.</returns>
    private async Task<string?> TakeAsync(MasterAnswer answer, Beat beat, long sent)
    {
        if (!_tokens.CheckReply(answer.Signature, beat.Nonce, answer.Body)) return "its reply was not signed with this cluster's key";
        if (Read(answer.Body) is not { } reply) return "its reply cannot be read";
        var verdict = await _obedience.ObeyAsync(reply, beat.Number, sent);
        if (verdict != ReplyVerdict.Obeyed) return Sentence(verdict, reply);
        // Numbers belong to one master: those of the one before say nothing to its successor.
        _applied = reply.Epoch == _appliedEpoch ? Math.Max(_applied, reply.Number) : reply.Number;
        _appliedEpoch = reply.Epoch;
        if (reply.SendInventory) _inventory.Wake();
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
        if (trouble == _trouble) return;
        if (trouble is null) LogConnected(_masters.Current);
        else LogTrouble(_masters.Current, trouble);
        _trouble = trouble;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The master answers again, at {Address}.")]
    private partial void LogConnected(string address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No master takes this node's beats (next attempt at {Address}): {Reason}.")]
    private partial void LogTrouble(string address, string reason);
}
