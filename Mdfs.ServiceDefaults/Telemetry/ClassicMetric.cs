namespace Mdfs.ServiceDefaults.Telemetry;

/// <summary>
/// One of the metrics whose line monitoring scripts split at the blank: <c>name value</c>, no labels (design, section 10).
/// </summary>
/// <param name="Type"><see cref="Gauge"/> or <see cref="Counter"/>.</param>
/// <param name="Help">One sentence.</param>
public sealed record ClassicMetric(string Name, string Type, string Help, double Value)
{
    public const string Gauge = "gauge";
    public const string Counter = "counter";
}
