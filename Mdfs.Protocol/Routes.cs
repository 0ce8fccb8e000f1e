using System.Globalization;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;

namespace Mdfs.Protocol;

/// <summary>The paths on which nodes meet. Everything under <c>/internal</c> needs a node token (design, section 8).</summary>
public static class Routes
{
    /// <summary>On the master.</summary>
    public static class Master
    {
        /// <summary>POST <see cref="Beat"/> → <see cref="BeatReply"/>.</summary>
        public const string Beats = "/internal/beats";

        /// <summary>POST <see cref="InventoryPage"/> → <see cref="InventoryReply"/>.</summary>
        public const string Inventory = "/internal/inventory";

        /// <summary>GET <c>?name=</c> → <see cref="SourcesReply"/>: who can give the rest of a version that a front end is sending.</summary>
        public const string Sources = "/internal/movies/{version}/sources";

        /// <summary>POST <see cref="GatewayReport"/> → <see cref="GatewayReply"/>.</summary>
        public const string Gateways = "/internal/gateways";

        public static string SourcesPath(MovieVersion version, FileName name) =>
            string.Create(CultureInfo.InvariantCulture, $"/internal/movies/{version.Number}/sources?name={Uri.EscapeDataString(name.Value)}");
    }

    /// <summary>On a worker.</summary>
    public static class Worker
    {
        /// <summary>POST <see cref="OpenUpload"/> → 204; 507, 409 or 503 with a <see cref="NodeRefusal"/>.</summary>
        public const string Uploads = "/internal/uploads";

        /// <summary>PUT the bytes → <see cref="PreparedReceipt"/>; DELETE drops the upload → 204, also when it was not there.</summary>
        public const string Upload = "/internal/uploads/{upload}";

        /// <summary>POST <see cref="CompleteUpload"/> → <see cref="PreparedReceipt"/>; completing twice is the same as once.</summary>
        public const string Complete = "/internal/uploads/{upload}/complete";

        /// <summary>POST <see cref="JoinUpload"/> → <see cref="PreparedReceipt"/> when all parts are together and fsynced, which may take as long as copying them.</summary>
        public const string Join = "/internal/uploads/{upload}/join";

        /// <summary>GET <c>?from=&amp;length=</c> → 200 with exactly these bytes of a resumable upload; 404.</summary>
        public const string UploadBytes = "/internal/uploads/{upload}/bytes";

        /// <summary>POST <see cref="ReplicaDescription"/> → <see cref="SealReceipt"/>; sealing twice is the same as once. 404: no such prepared upload.</summary>
        public const string Seal = "/internal/uploads/{upload}/seal";

        /// <summary>GET <c>?from=&amp;length=</c> → 200 with exactly that window, every block checked; 404; a bad block aborts the connection (before the first byte: 409 <see cref="NodeRefusal.Damaged"/>).</summary>
        public const string Replica = "/internal/replicas/{version}";

        /// <summary>What stands in front of the version in <see cref="Replica"/>.</summary>
        public const string ReplicaFolder = "/internal/replicas/";

        /// <summary>POST → <see cref="VerifyResult"/> after re-reading all of it; GET meanwhile → <see cref="VerifyProgress"/>; 404.</summary>
        public const string Verify = "/internal/replicas/{version}/verify";

        /// <summary>POST <see cref="Tombstone"/> → <see cref="TombstoneReceipt"/> once it is on disk.</summary>
        public const string Tombstones = "/internal/tombstones";

        /// <summary>GET <c>?name=</c> → <see cref="TrashReport"/>: what was deleted or overwritten and can still be brought back, the latest first.</summary>
        public const string Trash = "/internal/trash";

        /// <summary>POST <see cref="RestoreTrash"/> → <see cref="PreparedReceipt"/>: the bytes are prepared, as if they had been uploaded. 404: not in the trash.</summary>
        public const string Restore = "/internal/trash/{version}/restore";

        /// <summary>GET → <see cref="QuarantineReport"/>: what was put aside for the admin to judge, the latest first.</summary>
        public const string Quarantine = "/internal/quarantine";

        /// <summary>DELETE: purges it for good → 204; 404.</summary>
        public const string Quarantined = "/internal/quarantine/{id}";

        /// <summary>POST <see cref="AdoptQuarantined"/> → <see cref="PreparedReceipt"/>: the bytes are prepared, and stay in quarantine as well. 404; 409 <see cref="NodeRefusal.Damaged"/>.</summary>
        public const string AdoptQuarantined = "/internal/quarantine/{id}/adopt";

        /// <summary>POST, no body → 202: beat now instead of at the next tick, since there is something to be told.</summary>
        public const string BeatNow = "/internal/beat-now";

        /// <summary>GET, HEAD with a signature (<see cref="SignedLinks"/>): the bytes of one version, for clients. The name is for people; the signature covers it.</summary>
        public const string Link = "/direct/{version}/{name}";

        /// <summary>What stands in front of version and name in <see cref="Link"/>.</summary>
        public const string LinkFolder = "/direct/";

        /// <summary>Says in <see cref="Link"/> whether the movie is to be saved or shown.</summary>
        public const string LinkDisposition = "as";

        /// <summary>Up to the place where <see cref="SignedLinks.Query"/> follows.</summary>
        public static string LinkPath(MovieVersion version, FileName name, bool attachment) => string.Create(
            CultureInfo.InvariantCulture, $"{LinkFolder}{version.Number}/{Uri.EscapeDataString(name.Value)}?{LinkDisposition}={(attachment ? "attachment" : "inline")}&");

        public static string UploadPath(UploadId upload) => $"/internal/uploads/{upload.Value}";

        /// <summary>
        /// The same path for an upload that was opened as appendable. PATCH <c>?offset=&amp;checksum=&amp;size=</c> with a piece → <see cref="AppendReceipt"/>; offset and
        /// checksum are what was acknowledged, and whatever lies behind it is cut off first. GET → <see cref="AppendState"/>.
        /// </summary>
        public static string AppendPath(UploadId upload, long offset, Checksum checksum, long? size) =>
            string.Create(CultureInfo.InvariantCulture, $"/internal/uploads/{upload.Value}?offset={offset}&checksum={checksum}{(size is { } known ? $"&size={known}" : "")}");

        public static string CompletePath(UploadId upload) => $"/internal/uploads/{upload.Value}/complete";

        public static string JoinPath(UploadId upload) => $"/internal/uploads/{upload.Value}/join";

        public static string UploadBytesPath(UploadId upload, long from, long length) =>
            string.Create(CultureInfo.InvariantCulture, $"/internal/uploads/{upload.Value}/bytes?from={from}&length={length}");

        public static string SealPath(UploadId upload) => $"/internal/uploads/{upload.Value}/seal";

        /// <param name="begun">For a reading that has had bytes of this version already: it is given the rest from the trash too.</param>
        public static string WindowPath(MovieVersion version, long from, long length, bool begun = false) =>
            string.Create(CultureInfo.InvariantCulture, $"/internal/replicas/{version.Number}?from={from}&length={length}{(begun ? "&begun=true" : "")}");

        /// <summary>Of all windows of a version: what a grant is given for.</summary>
        public static string ReplicaPath(MovieVersion version) => string.Create(CultureInfo.InvariantCulture, $"/internal/replicas/{version.Number}");

        public static string RestorePath(MovieVersion version) => string.Create(CultureInfo.InvariantCulture, $"/internal/trash/{version.Number}/restore");

        public static string TrashPath(string? name) => name is null ? Trash : $"{Trash}?name={Uri.EscapeDataString(name)}";

        public static string QuarantinedPath(string id) => $"/internal/quarantine/{Uri.EscapeDataString(id)}";

        public static string AdoptQuarantinedPath(string id) => $"/internal/quarantine/{Uri.EscapeDataString(id)}/adopt";

        public static string VerifyPath(MovieVersion version) => string.Create(CultureInfo.InvariantCulture, $"/internal/replicas/{version.Number}/verify");
    }
}
