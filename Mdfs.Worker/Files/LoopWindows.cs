using System.Globalization;
using System.Text;
using Mdfs.Protocol;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Status;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>
/// Answers on loops what is asked of a worker all the time: windows for the master, front ends and other workers, and movies for who carries a link. Only when all is well: whatever is to be refused, and why, is said by <see cref="ReplicaEndpoints"/> and <see cref="LinkEndpoint"/>, which are asked
/// with the same request then.
/// </summary>
internal sealed class LoopWindows(
    NodeTokens tokens, INodeAuthority authority, SignedLinks links, MasterClock clock, Inventory inventory, KeptReaders readers, WindowFindings findings, FreshBlocks fresh, WorkerMetrics metrics) : ILoopServer
{
    private static readonly byte[] _windows = Encoding.ASCII.GetBytes(Routes.Worker.ReplicaFolder);
    private static readonly byte[] _links = Encoding.ASCII.GetBytes(Routes.Worker.LinkFolder);

    public LoopAnswer? TryAnswer(in RequestHead head) =>
        head.Target.StartsWith(_windows) ? Window(head)
        : head.Target.StartsWith(_links) ? Link(head)
        : null;

    private LoopWindow? Window(in RequestHead head)
    {
        var target = Encoding.ASCII.GetString(head.Target);
        if (!TryReadTarget(target, out var version, out var from, out var length) || Admitted(head, target) is not { } purpose) return null;
        return Answer(Routes.Worker.Replica, version, purpose == NodePurpose.Peer, reader => length <= 0 || from > reader.Size - length ? null : new LoopWindow.Plan(200, from, length, WindowHead(length)));
    }

    private LoopWindow? Link(in RequestHead head)
    {
        if (!LinkTarget.TryRead(Encoding.ASCII.GetString(head.Target), out var link)) return null;
        var claim = new LinkClaim(LinkServer.Worker, link.Name, link.Version, link.Attachment, Expires: 0);
        if (links.Check(claim, link.Expires, link.Signature, clock.Now) != LinkVerdict.Valid || inventory.IsDeleted(link.Name, link.Version)) return null;
        var asked = head.Content();
        return Answer(Routes.Worker.Link, link.Version, once: false, reader =>
        {
            var replica = reader.Held.Report.Replica;
            if (replica.Name != link.Name) return null;
            var answer = ContentAnswer.To(asked, replica, DateTimeOffset.FromUnixTimeMilliseconds(clock.Now));
            return ResponseHead.Of(answer, link.Attachment) is { } head ? new LoopWindow.Plan(answer.Decision.StatusCode, answer.Pieces[0].Range.From, answer.Pieces[0].Range.Length, head) : null;
        });
    }

    private LoopWindow Answer(string route, MovieVersion version, bool once, Func<ReplicaReader, LoopWindow.Plan?> plan) =>
        new(route, readers.TryTake(version, once), () => findings.Open(version, once), plan, findings, fresh, metrics);

    // As WindowPath writes it, and no other way.
    private static bool TryReadTarget(string target, out MovieVersion version, out long from, out long length)
    {
        (version, from, length) = (default, 0, 0);
        var rest = target.AsSpan(Routes.Worker.ReplicaFolder.Length);
        var query = rest.IndexOf("?from=");
        if (query < 0 || !MovieVersion.TryParse(rest[..query].ToString(), out version) || Canary.Is(version)) return false;
        rest = rest[(query + "?from=".Length)..];
        var second = rest.IndexOf("&length=");
        if (second < 0 || !long.TryParse(rest[..second], NumberStyles.None, CultureInfo.InvariantCulture, out from)) return false;
        rest = rest[(second + "&length=".Length)..];
        if (rest.EndsWith("&begun=true")) rest = rest[..^"&begun=true".Length];
        return long.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out length);
    }

    private NodePurpose? Admitted(in RequestHead head, string target) =>
        tokens.Check(head.Find("x-mdfs-node-token"u8), ReplicaEndpoints.Readers, "GET", target, authority.Receiver, authority.Now, out var token) == TokenVerdict.Valid && authority.Judge(token!, "GET") is null ? token!.Purpose : null;

    private static byte[] WindowHead(long length) =>
        ResponseHead.Of(200, [("Content-Length", length.ToString(CultureInfo.InvariantCulture)), ("Content-Type", "application/octet-stream")]);
}
