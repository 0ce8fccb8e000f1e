using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mdfs.AppHost.Resources;

/// <summary>What the command line of the AppHost says about the cluster, and the secrets that its services share.</summary>
/// <param name="Workers">How many workers (<c>--workers</c>). Default 3.</param>
/// <param name="Fronts">How many more front ends, which send movies themselves (<c>--fronts</c>). Default 0.</param>
/// <param name="Port">The TCP port of console and API (<c>--port</c>); the workers take the ones after it, the master the one after theirs. Default 8080; null, by 0: free ports.</param>
/// <param name="Data">The directory that movies and catalog are kept in (<c>--data</c>). Default: <c>mdfs</c> in the user's local application data, as for the embedded cluster.</param>
/// <param name="AdminKey">Opens what changes state: in Development the well-known one, else made at the first run and kept in the user secrets.</param>
/// <param name="ClusterKey">Makes a process a node of this cluster; made at the first run and kept likewise, always.</param>
/// <param name="Given">Settings for all services (<c>--Mdfs:Master:ReplicationFactor=3</c>). What wires the services together is set over them.</param>
internal sealed record ClusterSettings(
    int Workers,
    int Fronts,
    int? Port,
    string Data,
    IResourceBuilder<ParameterResource> AdminKey,
    IResourceBuilder<ParameterResource> ClusterKey,
    IReadOnlyDictionary<string, string> Given)
{
    private const int MostWorkers = 64;
    private const int MostFronts = 16;
    private static readonly string[] _oneWorkers = ["Mdfs:Worker:PublicUrl", "Mdfs:Worker:AdvertisedUrl"];

    /// <exception cref="DistributedApplicationException">An option is unknown, a number is none, or out of its bounds; or a setting for all workers can be that of one only.</exception>
    public static ClusterSettings Of(IDistributedApplicationBuilder builder, string[] args)
    {
        var given = Arguments.Read(args, builder.ExecutionContext.IsPublishMode);
        var port = Number(given, "port", 8080, 0, 65535 - MostWorkers - 1);
        var workers = Number(given, "workers", 3, 1, MostWorkers);
        if (workers > 1 && _oneWorkers.FirstOrDefault(given.Settings.ContainsKey) is { } setting)
            throw new DistributedApplicationException($"--{setting} is the address of one worker, and here it would be that of all: leave it out. The workers find one another without it, and direct=1 is answered by the master itself.");
        return new ClusterSettings(
            workers,
            Number(given, "fronts", 0, 0, MostFronts),
            port == 0 ? null : port,
            Path.GetFullPath(given["data"] ?? DefaultData()),
            builder.AddAdminKey(),
            builder.AddSecret("cluster-key"),
            given.Settings);
    }

    public int? MasterPort => Port + Workers + 1;

    public int? WorkerPort(int number) => Port + number;

    /// <summary>The volume of a container: a data directory of its own means volumes of its own, so that a trial never writes into what is kept.</summary>
    public string VolumeName(string resource) =>
        Data == DefaultData() ? $"mdfs-{resource}" : $"mdfs-{resource}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Data)))[..8]}";

    private static string DefaultData() =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "mdfs");

    private static int Number(Arguments given, string option, int otherwise, int least, int most)
    {
        if (given[option] is not { Length: > 0 } text)
            return otherwise;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new DistributedApplicationException($"--{option} must be a number from {least} to {most}, not '{text}'.");
    }
}
