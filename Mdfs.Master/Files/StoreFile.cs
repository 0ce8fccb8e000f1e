using System.Diagnostics;
using Mdfs.Gateway.Sources;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Master.Cluster;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Problems;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>What a client wants stored.</summary>
/// <param name="Size">Length in bytes, or null when the client did not say.</param>
/// <param name="Expected">What the client says the bytes are, to be refused when they are not.</param>
/// <param name="Condition">Under which it is to be stored; null: under none.</param>
public sealed record StoreRequest(FileName Name, long? Size, ExpectedContent Expected, ChangeCondition? Condition)
{
    /// <summary>Where the length is not known, bytes for which there has to be room.</summary>
    public long AtLeast { get; init; }

    /// <summary>Room that it needs, as far as is known before it comes.</summary>
    public long Room => Size ?? AtLeast;
}

/// <summary>How an upload ended: stored, or why not.</summary>
public abstract record StoreResult
{
    private StoreResult()
    {
    }

    public sealed record Stored(CatalogEntry Entry, int Copies, bool Created) : StoreResult;

    public sealed record Refused(Problem Problem) : StoreResult;

    /// <summary>The client went away or broke its body off. Should it still be there, it must hear that nothing was stored.</summary>
    public sealed record ClientGone : StoreResult;
}

/// <summary>
/// The story of an upload (design, section 4): place, open the targets, send once to all, compare, commit. Nothing is spooled, and no lock is
/// held while bytes move.
/// </summary>
public sealed class StoreFile(
    NodeRegistry registry,
    CatalogSession session,
    MasterIdentity identity,
    FileCatalog catalog,
    TargetOpening opening,
    UploadFanOut fanOut,
    WorkerClient workers,
    CommitUpload commit,
    MovieDigests digests,
    IOptions<MasterOptions> options,
    TimeProvider time)
{
    public async Task<StoreResult> RunAsync(StoreRequest request, Stream body, CancellationToken clientGone)
    {
        if (!session.Attached || session.Health.State == StoreState.Unreachable) return new StoreResult.Refused(FileProblems.ReadOnly);
        if (request.Room > options.Value.MaxFileSize) return new StoreResult.Refused(FileProblems.TooLarge(options.Value.MaxFileSize));

        var upload = UploadId.New();
        try
        {
            var result = await commit.WhileOpenAsync(upload, () => SendAsync(upload, request, body, clientGone));
            if (result is StoreResult.Stored stored) Tell(stored);
            return result;
        }
        catch (OperationCanceledException) when (clientGone.IsCancellationRequested)
        {
            return new StoreResult.ClientGone();
        }
    }

    private async Task<StoreResult> SendAsync(UploadId upload, StoreRequest request, Stream body, CancellationToken clientGone)
    {
        var view = registry.View;
        var rules = options.Value.PlacementRules;
        var candidates = Placement.ToAsk(view, request.Name, request.Room, options.Value.ReplicationFactor, options.Value.MinWriteReplicas, rules);
        if (candidates.Count == 0) return new StoreResult.Refused(FileProblems.NobodyToAsk(view, request.Room));
        // Nobody knows the cluster's name in the first seconds of its life: what is stored must carry it.
        if (!await IsNamedAsync(clientGone)) return new StoreResult.Refused(FileProblems.ReadOnly);
        if (Refuse(catalog.Find(request.Name)) is { } refused) return new StoreResult.Refused(refused);
        var opened = await opening.OpenAsync(upload, request.Size, options.Value.ReplicationFactor, [.. candidates.Select(NodeView.AddressOf)], clientGone, atLeast: request.AtLeast);
        if (opened.Opened.Count < options.Value.MinWriteReplicas)
        {
            await DropAsync(upload, opened.Opened);
            return new StoreResult.Refused(FileProblems.TooFewOpened(opened, options.Value.MinWriteReplicas));
        }

        List<PromisedBytes> promised = [.. opened.Opened.Select(target => registry.Promise(target.Id, request.Room))];
        var size = 0L;
        try
        {
            var sent = await fanOut.SendAsync(upload, body, request.Size, opened.Opened, request.Expected.WantsSha256, clientGone);
            if (Refusal(request, sent) is { } refusal)
            {
                await DropAsync(upload, opened.Opened);
                return refusal;
            }

            var result = await commit.RunAsync(upload, request.Name, sent, opened.Opened, new CommitTerms { Refuse = Refuse });
            if (result is StoreResult.Stored { Entry: var entry })
            {
                size = entry.Size;
                if (request.Expected.Sha256 is { } verified) digests.Remember(entry.Version, verified);
            }

            return result;
        }
        finally
        {
            promised.ForEach(one => registry.Settle(one, size));
        }

        Problem? Refuse(CatalogEntry? present) => request.Condition?.Refuse(present, session, time.GetUtcNow());
    }

    /// <summary>For whoever looks at the request's trace. Never the name: it may be private, and whoever has the version can ask.</summary>
    private static void Tell(StoreResult.Stored stored) => Activity.Current?
        .SetTag("mdfs.version", stored.Entry.Version.Number)
        .SetTag("mdfs.size", stored.Entry.Size)
        .SetTag("mdfs.copies", stored.Copies);

    private StoreResult? Refusal(StoreRequest request, FanOutResult sent)
    {
        switch (sent.Outcome)
        {
            case FanOutOutcome.ClientFailed:
                return new StoreResult.ClientGone();
            case FanOutOutcome.BeyondLimit:
                return TooLarge();
            case FanOutOutcome.ClientTooSlow:
                return new StoreResult.Refused(FileProblems.TooSlow);
            case FanOutOutcome.TooLarge or FanOutOutcome.ShortBody:
                return new StoreResult.Refused(FileProblems.WrongLength(request.Size ?? 0, sent.Size));
            case FanOutOutcome.AllTargetsFailed:
                return new StoreResult.Refused(sent.AllFull ? FileProblems.NoSpace : FileProblems.WorkersFailed);
        }

        if (sent.Size > options.Value.MaxFileSize) return TooLarge();
        if (request.Expected.Mismatch(sent) is { } expected) return new StoreResult.Refused(FileProblems.ChecksumMismatch(expected, sent.Checksum));
        return sent.Receipts.Count < options.Value.MinWriteReplicas
            ? new StoreResult.Refused(FileProblems.TooFewReplicas(sent.Receipts.Count, options.Value.MinWriteReplicas))
            : null;
    }

    private StoreResult.Refused TooLarge() => new(FileProblems.TooLarge(options.Value.MaxFileSize));

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

    private Task DropAsync(UploadId upload, IReadOnlyList<WorkerAddress> targets) =>
        Task.WhenAll(targets.Select(target => workers.DropAsync(target, upload, CancellationToken.None)));
}
