using System.Collections.Frozen;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Mdfs.Web.Pages;

/// <summary>Marks the routes of the files that pages are made of.</summary>
internal sealed record AssetMark;

/// <summary>
/// The scripts, styles and pictures of the console. They lie inside the assembly, so that whoever hosts it serves the same ones, with no list of
/// files to be found and nothing from another host; each is compressed once and asked for once per version.
/// </summary>
public sealed class ConsoleAssets
{
    private const string Prefix = "assets/";

    private readonly FrozenDictionary<string, Asset> _assets;

    public ConsoleAssets()
    {
        var assembly = typeof(ConsoleAssets).Assembly;
        _assets = assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToFrozenDictionary(
            static name => name[Prefix.Length..].Replace('\\', '/'),
            name =>
            {
                using var stream = assembly.GetManifestResourceStream(name)!;
                var bytes = new byte[stream.Length];
                stream.ReadExactly(bytes);
                return new Asset(name, bytes);
            },
            StringComparer.Ordinal);
    }

    public IEnumerable<string> Paths => _assets.Keys;

    /// <summary>The address of a file with its version in it: a new one is a new address, so that a browser may keep the old for ever.</summary>
    public string Url(string path) => $"/{path}?v={_assets[path].Version}";

    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (path, asset) in _assets)
        {
            routes.MapMethods("/" + path, [HttpMethods.Get, HttpMethods.Head], context => SendAsync(context, asset))
                .WithMetadata(new AssetMark()).IsConsolePage(forAnybody: true).ExcludeFromDescription();
        }
    }

    private static async Task SendAsync(HttpContext context, Asset asset)
    {
        var (request, response) = (context.Request, context.Response);
        var etag = new EntityTagHeaderValue($"\"{asset.Version}\"");
        response.Headers.ETag = etag.ToString();
        response.Headers.Vary = "Accept-Encoding";
        response.Headers.CacheControl = request.Query["v"] == asset.Version ? "public, max-age=31536000, immutable" : "no-cache";
        if (request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Compare(etag, useStrongComparison: false)))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var (body, encoding) = asset.For(request.GetTypedHeaders().AcceptEncoding);
        if (encoding is not null) response.Headers.ContentEncoding = encoding;
        response.ContentType = asset.ContentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(request.Method)) await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private sealed class Asset(string name, byte[] bytes)
    {
        // Compressed when first asked for: the best that Brotli can do takes a moment, and not every process is asked.
        private readonly Lazy<byte[]> _brotli = new(() => Compress(bytes, static stream => new BrotliStream(stream, CompressionLevel.Optimal)));
        private readonly Lazy<byte[]> _gzip = new(() => Compress(bytes, static stream => new GZipStream(stream, CompressionLevel.Optimal)));

        public string Version { get; } = Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];

        public string ContentType { get; } = Path.GetExtension(name) switch
        {
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            ".png" => "image/png",
            ".txt" => "text/plain; charset=utf-8",
            ".webmanifest" => "application/manifest+json",
            _ => "application/octet-stream",
        };

        public (byte[] Body, string? Encoding) For(IList<StringWithQualityHeaderValue> accepted)
        {
            if (bytes.Length < 1024) return (bytes, null);
            if (Takes(accepted, "br")) return (_brotli.Value, "br");
            return Takes(accepted, "gzip") ? (_gzip.Value, "gzip") : (bytes, null);
        }

        private static bool Takes(IList<StringWithQualityHeaderValue> accepted, string encoding) =>
            accepted.Any(value => value.Value.Equals(encoding, StringComparison.OrdinalIgnoreCase) && value.Quality != 0);

        private static byte[] Compress(byte[] bytes, Func<Stream, Stream> compressor)
        {
            using var kept = new MemoryStream();
            using (var stream = compressor(kept)) stream.Write(bytes);
            return kept.ToArray();
        }
    }
}
