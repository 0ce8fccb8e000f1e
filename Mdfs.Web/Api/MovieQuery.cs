using System.Globalization;
using System.Text;

namespace Mdfs.Web.Api;

/// <summary>A page of the movies' table, as <c>GET /api/files</c> takes it.</summary>
/// <param name="Query">Part of a name.</param>
/// <param name="Sort"><c>name</c>, <c>size</c>, <c>date</c> or <c>copies</c>; with <c>-</c> in front descending.</param>
public sealed record MovieQuery(string Query, string Sort, int Offset, int Limit, bool UnderReplicated)
{
    public string Path
    {
        get
        {
            var path = new StringBuilder("/api/files?sort=").Append(Sort)
                .Append(CultureInfo.InvariantCulture, $"&limit={Limit}&offset={Offset}");
            if (Query.Length > 0) path.Append("&query=").Append(Uri.EscapeDataString(Query));
            if (UnderReplicated) path.Append("&filter=under-replicated");
            return path.ToString();
        }
    }
}
