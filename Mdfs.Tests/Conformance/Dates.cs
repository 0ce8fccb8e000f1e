using Mdfs.Tests.Support;

namespace Mdfs.Tests.Conformance;

internal static class Dates
{
    /// <summary>Returns when the movie's date is told: one that was overwritten within a second has its date in the next.</summary>
    public static Task ComeAsync(MdfsClient client, string name, CancellationToken cancellationToken) => Eventually.TrueAsync(
        async () => (await RawHttp.SendAsync(new Uri(client.Master, MdfsClient.DownloadPath(name)), "HEAD", cancellationToken))["Last-Modified"] is not null,
        $"a Last-Modified of {name}", MdfsClient.Patience, cancellationToken);
}
