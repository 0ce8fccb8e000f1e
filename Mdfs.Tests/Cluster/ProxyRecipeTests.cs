using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Mdfs.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mdfs.Tests.Cluster;

/// <summary>
/// What <c>docs/operations.md</c> says of a proxy in front, done: the settings for YARP are taken from there as they stand. (nginx and Caddy are other people's programs;
/// their recipes were run by hand.)
/// </summary>
public sealed partial class ProxyRecipeTests
{
    private const long MiB = 1 << 20;

    /// <summary>Where the page's service is.</summary>
    private const string Documented = "http://10.0.0.2:8080/";

    private static readonly string[] _limits = ["MaxRequestBodySize", "MinRequestBodyDataRate", "MinResponseDataRate"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Through_YARP_as_it_is_recommended_a_movie_passes_as_it_comes_and_under_the_public_name()
    {
        await using var far = await WebFarSide.StartAsync(Cancelled);
        var page = (await File.ReadAllTextAsync(Repository.File("docs/operations.md"), Cancelled)).ReplaceLineEndings("\n");
        var settings = Settings().Match(page).Value;
        Assert.Contains(Documented, settings);
        Assert.All(_limits, limit => Assert.Contains($"kestrel.Limits.{limit} = null;", page));
        await using var proxy = await StartAsync($"{{{settings.Replace(Documented, $"{far.Address}", StringComparison.Ordinal)}}}");
        using var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true }) { BaseAddress = new Uri(proxy.Urls.Single()) };

        using var asked = new HttpRequestMessage(HttpMethod.Get, "host") { Headers = { Host = "films.example.com" } };
        using var name = await http.SendAsync(asked, Cancelled);
        Assert.Equal("films.example.com https", await name.Content.ReadAsStringAsync(Cancelled));

        // More than Kestrel takes by itself, and half of it is behind the proxy before the rest has been sent.
        var paused = new PausedContent(new MovieBytes(6, 40 * MiB), 20 * MiB);
        var upload = http.PutAsync("api/files/x.mp4", paused, Cancelled);
        await paused.Paused;
        // Less what fits into a buffer of the proxy's.
        await Eventually.TrueAsync(() => far.Taken > 19 * MiB, "what was sent has arrived", MdfsClient.Patience, Cancelled);
        paused.GoOn();
        using var taken = await upload;
        Assert.Equal((HttpStatusCode.OK, 40 * MiB), (taken.StatusCode, far.Taken));
        Assert.Equal(new MovieBytes(5, 8 * MiB).ToArray(), await http.GetByteArrayAsync($"download?length={8 * MiB}", Cancelled));
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetByteArrayAsync("broken", Cancelled));
    }

    /// <summary>The page's program; limits as it lifts them.</summary>
    private static async Task<WebApplication> StartAsync(string settings)
    {
        using var key = RSA.Create(2048);
        var certificate = new CertificateRequest("CN=films.example.com", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(settings)));
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate));
        });
        builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"));
        var app = builder.Build();
        app.MapReverseProxy();
        await app.StartAsync(Cancelled);
        return app;
    }

    [GeneratedRegex("^\"ReverseProxy\": \\{\n(.*\n)*?\\}$", RegexOptions.Multiline)]
    private static partial Regex Settings();
}
