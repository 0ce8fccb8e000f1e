using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;

namespace Mdfs.Worker.Files;

/// <summary>A link to a version on a worker, read the one way in which the master writes it (<see cref="Routes.Worker.LinkPath"/>). Whatever else may mean the same is read by <see cref="LinkEndpoint"/>.</summary>
internal readonly record struct LinkTarget(FileName Name, MovieVersion Version, bool Attachment, string Expires, string Signature)
{
    private const string Disposition = $"{Routes.Worker.LinkDisposition}=";
    private const string ExpiresBefore = $"{SignedLinks.ExpiresParameter}=";
    private const string SignatureBefore = $"{SignedLinks.SignatureParameter}=";

    public static bool TryRead(string target, out LinkTarget link)
    {
        link = default;
        if (!target.StartsWith(Routes.Worker.LinkFolder, StringComparison.Ordinal) || target.Split('?') is not [var path, var query]) return false;
        if (path[Routes.Worker.LinkFolder.Length..].Split('/') is not [var number, var name] || query.Split('&') is not [var disposition, var expires, var signature]) return false;
        if (!MovieVersion.TryParse(number, out var version) || !FileName.TryParse(Uri.UnescapeDataString(name), out var parsed, out _)) return false;
        if (!expires.StartsWith(ExpiresBefore, StringComparison.Ordinal) || !signature.StartsWith(SignatureBefore, StringComparison.Ordinal)) return false;
        if (disposition is not (Disposition + "attachment" or Disposition + "inline")) return false;
        link = new LinkTarget(parsed, version, disposition == Disposition + "attachment", expires[ExpiresBefore.Length..], signature[SignatureBefore.Length..]);
        return true;
    }
}
