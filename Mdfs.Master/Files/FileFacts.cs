using System.Text.Json.Serialization;
using Mdfs.Master.Catalog;

namespace Mdfs.Master.Files;

/// <summary>What <c>/api</c> says of a movie.</summary>
/// <param name="Name">The name, NFC.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Checksum">CRC-32 (IEEE) of the bytes, 8 lower-case hex digits.</param>
/// <param name="Version">The number of this version; rises with every commit in the cluster.</param>
/// <param name="ETag">The strong entity tag of the bytes, as <c>/download</c> sends it.</param>
/// <param name="ModifiedAt">When this version was committed, by the master's clock.</param>
/// <param name="ContentType">The media type that follows from the extension.</param>
/// <param name="Copies">Whole copies on live nodes that are not draining.</param>
/// <param name="CopiesWanted">The replication factor.</param>
/// <param name="Nodes">Who holds it.</param>
public sealed record FileFacts(
    string Name,
    long Size,
    string Checksum,
    long Version,
    [property: JsonPropertyName("etag")] string ETag,
    DateTimeOffset ModifiedAt,
    string ContentType,
    int Copies,
    int CopiesWanted,
    IReadOnlyList<CopyFacts> Nodes);

/// <param name="Node">The node's name, or its address if it has none.</param>
/// <param name="Id">The node's id.</param>
/// <param name="Address">Where other nodes reach it.</param>
/// <param name="State"><c>good</c>, <c>damaged</c> (some block is bad; being healed), <c>silent</c> (its node does not beat) or <c>draining</c>.</param>
public sealed record CopyFacts(string Node, string Id, string Address, string State);

/// <summary>A page of movies.</summary>
/// <param name="Files">In the order asked for.</param>
/// <param name="Total">All movies that match, on all pages.</param>
/// <param name="Next">Give it as <c>cursor</c> for the next page; absent on the last one.</param>
public sealed record FilePage(IReadOnlyList<FileFacts> Files, int Total, string? Next);

/// <summary>What an upload is answered with.</summary>
/// <param name="Copies">Copies that are written, checked and fsynced at this moment; healing brings the rest.</param>
public sealed record StoredFacts(string Name, long Size, string Checksum, long Version, [property: JsonPropertyName("etag")] string ETag, int Copies, int CopiesWanted)
{
    public static StoredFacts Of(CatalogEntry entry, int copies, int wanted) =>
        new(entry.Name.Value, entry.Size, entry.Checksum.ToString(), entry.Version.Number, entry.Version.ETag, copies, wanted);
}

/// <summary>What a deletion is answered with.</summary>
/// <param name="Version">Every version up to this number is deleted.</param>
/// <param name="Nodes">Nodes from which the bytes are gone at this moment; the others remove them when they next beat.</param>
public sealed record DeletedFacts(string Name, long Version, int Nodes);

/// <summary>How far a verification is.</summary>
/// <param name="Running">Whether one is under way.</param>
/// <param name="BytesRead">Bytes re-read so far, on all nodes together.</param>
/// <param name="BytesTotal">Bytes to be re-read.</param>
/// <param name="Nodes">Each node that is re-reading, or has re-read, its copy.</param>
public sealed record VerifyProgressFacts(bool Running, long BytesRead, long BytesTotal, IReadOnlyList<NodeProgressFacts> Nodes)
{
    public static VerifyProgressFacts None { get; } = new(false, 0, 0, []);
}

/// <param name="Node">The node's name, or its address if it has none.</param>
/// <param name="Valid">The verdict, once the node has given it; absent before.</param>
public sealed record NodeProgressFacts(string Node, long BytesRead, long BytesTotal, bool? Valid);

/// <param name="Node">The node's name or address.</param>
/// <param name="Checksum">CRC-32 of the bytes as they are on disk now, or <c>ERROR</c> when the node did not answer.</param>
/// <param name="Valid">The copy was read whole and agrees with the catalog.</param>
public sealed record VerifyFacts(string Node, string Checksum, bool Valid);

/// <summary>Addresses of a movie, to be given away.</summary>
/// <param name="Play">To be shown.</param>
/// <param name="Download">To be saved.</param>
/// <param name="File">The same bytes under a path that ends with the movie's name, as players like it.</param>
/// <param name="Playlist">An M3U playlist of this one movie.</param>
/// <param name="Direct">Straight on a worker that holds it, always signed; absent where clients can reach none.</param>
/// <param name="ExpiresAt">When the first three end; absent where reading is open and they never do.</param>
public sealed record LinkFacts(string Play, string Download, string File, string Playlist, string? Direct, DateTimeOffset? ExpiresAt);
