using Mdfs.ServiceDefaults.Hosting;
using Microsoft.Extensions.Configuration;

namespace Mdfs.ServiceDefaults.Health;

/// <summary>
/// <c>Mdfs.Master --health</c>: asks the service that runs with the same settings for <c>/health</c>, and exits with 0 or 1. For the health checks of containers whose image holds
/// nothing but the service, no shell and no curl.
/// </summary>
public static class HealthProbe
{
    private const string Option = "--health";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    public static bool IsAskedFor(string[] args) => args is [Option, ..];

    /// <param name="args">After the option may stand the address; else it is where the environment tells the service to listen.</param>
    public static async Task<int> RunAsync(string[] args)
    {
        var address = args.Length > 1 ? args[1] : Address(new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables("DOTNET_").AddEnvironmentVariables().Build());
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = _patience };
            using var response = await client.GetAsync(new Uri(new Uri(address), "/health"));
            var sentence = (await response.Content.ReadAsStringAsync()).Trim();
            Console.WriteLine(sentence);
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or UriFormatException)
        {
            Console.WriteLine($"{address} does not answer: {e.Message}");
            return 1;
        }
    }

    internal static string Address(IConfiguration configuration)
    {
        var listen = Loopback.ConfiguredAddresses(configuration).FirstOrDefault(static url => url.StartsWith("http://", StringComparison.OrdinalIgnoreCase)) ?? "http://*:8080";
        var port = listen.LastIndexOf(':') is var colon and > 6 ? listen[(colon + 1)..].TrimEnd('/') : "80";
        return $"http://127.0.0.1:{port}/";
    }
}
