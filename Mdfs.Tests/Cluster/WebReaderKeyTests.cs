using System.Net;
using Mdfs.Tests.Support;
using Mdfs.Web.Api;
using Mdfs.Web.Viewing;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Where reading needs a key, what the console gives a browser and a player carries a signature, for neither has the key.</summary>
public sealed class WebReaderKeyTests
{
    private const string Name = "only for readers 🎬 & co.mp4";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_links_of_a_page_open_the_movie_for_who_has_no_key()
    {
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 2, settings: [("Mdfs:ReaderKey", "the key of the readers")]);
        var movie = new MovieBytes(90, 5000);
        await cluster.Client.StoreAsync(Name, movie, Cancelled);
        await using var web = await WebRig.StartAsync(cluster, Cancelled);
        await using var front = await WebRig.StartFrontEndAsync(cluster, Cancelled);
        foreach (var (address, services) in ((Uri, IServiceProvider)[])[(web.Address, web.Services), (front.Address, front.Services), (cluster.Client.Master, cluster.Cluster.Master.Services)])
        {
            using var http = new HttpClient { BaseAddress = address };
            using var refused = await http.GetAsync(MovieLinks.Plain(Name).Play, Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            var links = await MovieLinks.OfAsync(Name, services.GetRequiredService<MasterApi>(), address.AbsoluteUri);
            Assert.Equal(movie.ToArray(), await http.GetByteArrayAsync(links.Play, Cancelled));
            Assert.Equal(movie.ToArray(), await http.GetByteArrayAsync(links.Download, Cancelled));
            Assert.Equal(movie.ToArray(), await http.GetByteArrayAsync(links.Absolute(address.AbsoluteUri), Cancelled));
        }
    }
}
