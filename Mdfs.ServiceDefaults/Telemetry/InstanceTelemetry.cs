using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>
/// The meter and the activity source of this one service. Their names carry the instance: listeners are process-wide, so that two workers in one
/// process would otherwise report each other's numbers.
/// </summary>
public sealed class InstanceTelemetry : IDisposable
{
    public InstanceTelemetry(string serviceName, string instanceId)
    {
        ServiceName = serviceName;
        InstanceId = instanceId;
        Meter = new Meter($"{serviceName}.{instanceId}");
        Activities = new ActivitySource($"{serviceName}.{instanceId}");
    }

    /// <summary>The same for all instances of a service.</summary>
    public string ServiceName { get; }

    /// <summary>The node id, or what else tells this instance from its siblings.</summary>
    public string InstanceId { get; }

    /// <summary>Where instruments are made. Give the classic names no unit, and none of them labels.</summary>
    public Meter Meter { get; }

    /// <summary>Where work that no request began makes its spans: repairs, scrubs.</summary>
    public ActivitySource Activities { get; }

    public void Dispose()
    {
        Meter.Dispose();
        Activities.Dispose();
    }
}
