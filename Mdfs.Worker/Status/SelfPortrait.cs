using System.Reflection;
using System.Runtime.InteropServices;
using Mdfs.Protocol.Wire;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Status;

/// <summary>What this node says of its program and machine, for whoever looks after it.</summary>
internal sealed class SelfPortrait(SpaceAccount space, DirectBuffers direct, TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    // Without the commit that a build may append to it: the page shows a version, not a hash.
    private readonly string _version = (typeof(SelfPortrait).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+')[0];

    public NodeAbout Describe()
    {
        var (total, free) = space.Disk;
        return new NodeAbout(
            _version, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}", Environment.ProcessorCount,
            Math.Round(time.GetElapsedTime(_started).TotalSeconds, 1), total, free, Environment.WorkingSet)
        {
            DirectIo = direct.Works,
        };
    }
}
