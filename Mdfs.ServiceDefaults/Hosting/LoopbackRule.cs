using Mdfs.ServiceDefaults.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Mdfs.ServiceDefaults.Hosting;

/// <summary>
/// In Development services listen on loopback only (design, section 8), because their keys are known to everybody: another address stops the
/// start with a sentence. Who has given both keys a secret of their own may listen anywhere.
/// </summary>
/// <remarks>
/// Refused rather than moved to loopback: a service that listens elsewhere than it was told looks broken, and nobody learns why.
/// Asked twice: configuration before anything listens, and the real addresses after, since code may add some.
/// </remarks>
internal sealed class LoopbackRule(
    IHostEnvironment environment, IConfiguration configuration, IServer server, IOptions<AdminKeyOptions> admin, IOptions<ClusterKeyOptions> cluster)
    : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        Check([.. Loopback.ConfiguredAddresses(configuration), .. Listening()]);
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        Check(Listening());
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private IReadOnlyList<string> Listening() => [.. server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []];

    private void Check(IReadOnlyList<string> addresses)
    {
        if (!environment.IsDevelopment() || (IsOwn(admin.Value.AdminKey, AdminKeyOptions.DevelopmentKey, AdminKeyOptions.MinimumLength)
            && IsOwn(cluster.Value.ClusterKey, ClusterKeyOptions.DevelopmentKey, Mdfs.Protocol.Security.ClusterKeys.MinimumLength))) return;
        if (addresses.FirstOrDefault(static address => !Loopback.StaysHere(address)) is not { } open) return;
        throw new SettingException(
            $"With the well-known keys of the Development environment a service listens on loopback only, but it was told to listen on '{open}'. "
            + "Listen on localhost, or give Mdfs:AdminKey and Mdfs:ClusterKey secrets of your own.");
    }

    private static bool IsOwn(string? key, string wellKnown, int minimum) => key is not null && key != wellKnown && key.Length >= minimum;
}
