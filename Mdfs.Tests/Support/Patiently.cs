using System.Net;

namespace Mdfs.Tests.Support;

/// <summary>Stores and deletes as an honest client does, which repeats what was answered 503: on a busy machine, or while a cluster finds itself again, that is no failure.</summary>
public static class Patiently
{
    /// <summary>Returns when the movie is acknowledged and has all its copies.</summary>
    public static async Task StoreAsync(MdfsClient client, string name, MovieBytes movie, CancellationToken cancellationToken)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                using var content = new StreamContent(movie.Open(), 64 * 1024);
                content.Headers.ContentLength = movie.Length;
                using var response = await client.PutAsync(name, content, cancellationToken);
                if (response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway) return false;
                Assert.True(response.IsSuccessStatusCode, $"Storing {name}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}");
                return true;
            },
            $"{name} is stored", MdfsClient.Patience, cancellationToken);
        await Eventually.TrueAsync(
            async () => await client.FactsAsync(name, cancellationToken) is { } facts && facts.Copies >= facts.CopiesWanted, $"{name} has its copies", MdfsClient.Patience, cancellationToken);
    }

    /// <summary>Returns when the deletion is acknowledged.</summary>
    public static async Task DeleteAsync(MdfsClient client, string name, CancellationToken cancellationToken)
    {
        var attempts = 0;
        await Eventually.TrueAsync(
            async () =>
            {
                attempts++;
                using var response = await client.DeleteAsync(name, cancellationToken);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable) return false;
                // An attempt whose outcome was not known when it was answered may have been the one.
                if (attempts > 1 && response.StatusCode == HttpStatusCode.NotFound) return true;
                Assert.True(response.StatusCode == HttpStatusCode.OK, $"Deleting {name}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}");
                return true;
            },
            $"{name} is deleted", MdfsClient.Patience, cancellationToken);
    }
}
