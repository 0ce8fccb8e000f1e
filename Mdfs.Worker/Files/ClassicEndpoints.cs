using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.ServiceDefaults.Problems;
using Mdfs.ServiceDefaults.Security;
using Mdfs.Worker.Heartbeats;
using Mdfs.Worker.Integrity;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Files;

/// <summary>The routes of the original's workers, for scripts that know them. A name stands for its highest sealed version here.</summary>
internal static class ClassicEndpoints
{
    private static readonly string[] _readMethods = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] _deleteMethods = [HttpMethods.Get, HttpMethods.Post, HttpMethods.Delete];

    public static void MapClassic(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/download", _readMethods, DownloadEndpoint.SendAsync).RequireAdmin();
        routes.MapGet("/checksum", GetChecksum).RequireAdmin();
        routes.MapGet("/verify", VerifyAsync).RequireAdmin().GetAlone();
        routes.MapMethods("/delete", _deleteMethods, DeleteAsync).RequireAdmin().ChangesState();
        routes.MapPost("/upload", RefuseUpload).AuthorisedByHandler("nothing: it refuses everybody and says where uploads go");
    }

    /// <summary>The replica that a name stands for here, or null.</summary>
    internal static HeldReplica? Find(Inventory inventory, string? name)
    {
        if (!FileName.TryParse(name, out var parsed, out _)) return null;
        var versions = inventory.VersionsOf(parsed);
        return versions.Count > 0 && inventory.TryGet(versions[^1], out var held) ? held : null;
    }

    private static IResult GetChecksum(string? name, Inventory inventory) =>
        Find(inventory, name) is { } held ? ClassicText.Ok(held.Report.Replica.Checksum.ToString()) : NotHere;

    private static async Task<IResult> VerifyAsync(string? name, string? checksum, Inventory inventory, ReplicaVerifier verifier, CancellationToken cancellation)
    {
        if (Find(inventory, name) is not { } held || await verifier.VerifyAsync(held.Report.Replica.Version, cancellation) is not { } result) return NotHere;
        var asExpected = string.IsNullOrEmpty(checksum) ? result.Valid : Checksum.TryParse(checksum, out var expected) && expected == result.Checksum;
        return asExpected ? ClassicText.Ok($"OK:{result.Checksum}") : new ClassicText(StatusCodes.Status400BadRequest, $"CHECKSUM_MISMATCH:{result.Checksum}");
    }

    /// <summary>Removes this one copy; nobody is told that the movie is deleted, so the fixer replaces it.</summary>
    private static async Task<IResult> DeleteAsync(string? name, Inventory inventory, ReplicaStore store, BeatBell bell)
    {
        if (!FileName.TryParse(name, out _, out var problem)) return new ClassicText(StatusCodes.Status400BadRequest, problem);
        var version = Find(inventory, name)?.Report.Replica.Version ?? MovieVersion.None;
        if (await store.DeleteAsync(version, "an admin asked this worker for it", static () => false, CancellationToken.None)) bell.Ring();
        return ClassicText.Ok("OK");
    }

    private static IResult RefuseUpload() =>
        new ClassicText(StatusCodes.Status403Forbidden, "Workers take only uploads that the master opened. Send the movie to the master: PUT /api/files/{name}, or POST /upload there.");

    internal static IResult NotHere { get; } = new ClassicText(StatusCodes.Status404NotFound, "No such movie on this worker.");
}
