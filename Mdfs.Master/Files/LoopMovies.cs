using System.Text;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Catalog;
using Mdfs.Master.Cluster;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Content;
using Mdfs.ServiceDefaults.Loops;
using Mdfs.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace Mdfs.Master.Files;

/// <summary>
/// Answers on loops what players ask all the time: a movie, or a part of it, under one of its four addresses written the plain way. Everything else about movies, and all that is to be refused, is answered by <see cref="ReadFile"/>.
/// </summary>
public sealed class LoopMovies(
    LoopDownloads downloads, FileCatalog catalog, NodeRegistry registry, MovieSources sources, MovieDigests digests, HostNames hosts, AdminKeys keys, IOptions<SignedLinkOptions> links, TimeProvider time) : ILoopServer
{
    private const string Download = "/download";

    private static readonly byte[] _frontEnds = Encoding.ASCII.GetBytes(MovieEntry.Header.ToLowerInvariant());

    public LoopAnswer? TryAnswer(in RequestHead head)
    {
        // Who may read, and whether a worker is to send it, is decided elsewhere where that depends on the request.
        if (!keys.ReadingIsOpen || links.Value.DirectLinks || head.Has("want-repr-digest"u8)) return null;
        if (!TryRead(head.Target, out var escaped, out var route) || head.Find("host"u8) is not { } host || !hosts.Allows(new HostString(host))) return null;
        // A front end asks where the movie is.
        if (head.Has(_frontEnds)) return null;
        if (!FileName.TryParse(Uri.UnescapeDataString(Encoding.ASCII.GetString(escaped)), out var name, out _) || catalog.Find(name) is not { } entry) return null;
        var answer = ContentAnswer.To(head.Content(), entry.Replica, time.GetUtcNow());
        return downloads.TryAnswer(route, answer, new CatalogMovie(entry, catalog, sources, digests, registry), route == Download);
    }

    // What may be read in two ways (a plus, a slash that is escaped, a second parameter) is for the router.
    private static bool TryRead(ReadOnlySpan<byte> target, out ReadOnlySpan<byte> name, out string route)
    {
        route = "";
        if (Cut(target, "/download?name="u8, out name)) route = Download;
        else if (Cut(target, "/play?name="u8, out name)) route = "/play";
        else if (Cut(target, "/index/"u8, out name)) route = "/index/{name}";
        else if (Cut(target, "/api/files/"u8, out name) && CutEnd(ref name, "/content"u8)) route = "/api/files/{name}/content";
        return route.Length > 0 && !name.IsEmpty && !name.ContainsAny("+/?&=;"u8) && name.IndexOf("%2F"u8) < 0 && name.IndexOf("%2f"u8) < 0;
    }

    private static bool Cut(ReadOnlySpan<byte> target, ReadOnlySpan<byte> start, out ReadOnlySpan<byte> rest)
    {
        rest = target.StartsWith(start) ? target[start.Length..] : default;
        return !rest.IsEmpty;
    }

    private static bool CutEnd(ref ReadOnlySpan<byte> name, ReadOnlySpan<byte> end)
    {
        if (!name.EndsWith(end)) return false;
        name = name[..^end.Length];
        return true;
    }
}
