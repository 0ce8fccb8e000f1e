using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Storage;

namespace Mdfs.Benchmarks.Scale;

/// <summary>What a worker says to its master, without a worker's disk: its inventory and its beats, signed as a worker signs them.</summary>
internal sealed class ReportingNode(int number, HttpClient master, NodeTokens tokens, string cluster)
{
    private readonly Inventory _inventory = new();
    private readonly NodeId _id = SimulatedNodes.Id(number);
    private readonly string _life = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private long _epoch;
    private long _applied;
    private double _age;
    private long _sent;
    private long _received;

    public NodeId Id => _id;

    /// <summary>Bytes of bodies and of the headers that a worker adds.</summary>
    public long SentBytes => Interlocked.Read(ref _sent);

    public long ReceivedBytes => Interlocked.Read(ref _received);

    public long Replicas => _inventory.Count;

    public void Load(ReplicaDescription replica) => _inventory.Load(new ReplicaReport(replica, false, true));

    /// <summary>What it holds is reported anew, as after re-reading it.</summary>
    public void Touch(MovieVersion version) => _inventory.Repeat(version);

    public IEnumerable<MovieVersion> Some(int count) => _inventory.Whole().Replicas.Take(count).Select(report => report.Replica.Version);

    /// <returns>Whether the master wants the whole.</returns>
    public async Task<bool> BeatAsync()
    {
        var facts = _inventory.Beat();
        var beat = new Beat
        {
            Node = _id,
            Life = _life,
            Number = facts.Number,
            Protocol = WireVersion.Current,
            Nonce = RandomNumberGenerator.GetHexString(32, lowercase: true),
            ClusterId = cluster,
            Epoch = _epoch,
            Clock = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
            HighestVersion = facts.Highest,
            ClusterAge = _age,
            SettledAge = _age,
            Name = string.Create(CultureInfo.InvariantCulture, $"worker-{number}"),
            Address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{10_000 + number}"),
            Space = new NodeSpace(1L << 50, 1L << 49, 1L << 49, 0),
            About = new NodeAbout("0.1.0", "Linux X64", 2, 100, 1L << 50, 1L << 49, 100 << 20),
            Changed = facts.Changed,
            Removed = facts.Removed,
            ReplicaCount = facts.Count,
            ReplicaDigest = facts.Digest,
            Scrub = new ScrubReport(ScrubState.Resting, null, 1, 1L << 49, 1L << 49, 0, 86_400, 0, 0, 3600, 0),
            AppliedReply = _applied,
        };
        var reply = JsonSerializer.Deserialize(await PostAsync(Routes.Master.Beats, JsonSerializer.SerializeToUtf8Bytes(beat, WireJson.Default.Beat), beat.Nonce), WireJson.Default.BeatReply)!;
        if (reply.Refused is { } reason) throw new InvalidOperationException(reason);
        (_epoch, _applied, _age) = (reply.Epoch, reply.Number, reply.ClusterAge);
        _inventory.Acknowledge(reply.Acknowledged);
        return reply.SendInventory;
    }

    /// <returns>Pages.</returns>
    public async Task<int> SendInventoryAsync()
    {
        var whole = _inventory.Whole();
        var pages = whole.Replicas.Chunk(InventorySender.PageSize).ToList();
        for (var page = 0; page < pages.Count; page++)
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(new InventoryPage(_id, _life, whole.Number, page, page == pages.Count - 1, pages[page], []), WireJson.Default.InventoryPage);
            var reply = await PostAsync(Routes.Master.Inventory, body, RandomNumberGenerator.GetHexString(32, lowercase: true));
            if (JsonSerializer.Deserialize(reply, WireJson.Default.InventoryReply) is not { Accepted: true }) throw new InvalidOperationException("A page was not accepted.");
        }

        return pages.Count;
    }

    private async Task<byte[]> PostAsync(string route, byte[] body, string nonce)
    {
        var token = tokens.Issue(NodePurpose.Report, "POST", route, _id.Value, NodeTokens.Master, _epoch, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), body);
        using var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add(NodeTokens.Header, token);
        request.Headers.Add(MasterLink.NonceHeader, nonce);
        using var response = await master.SendAsync(request);
        var answer = await response.Content.ReadAsByteArrayAsync();
        if (response.StatusCode != HttpStatusCode.OK) throw new InvalidOperationException($"{route} was answered {(int)response.StatusCode}.");
        Interlocked.Add(ref _sent, body.Length + request.Headers.ToString().Length + request.Content.Headers.ToString().Length + route.Length + 32);
        Interlocked.Add(ref _received, answer.Length + response.Headers.ToString().Length + response.Content.Headers.ToString().Length + 17);
        return answer;
    }
}
