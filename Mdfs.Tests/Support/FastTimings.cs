namespace Mdfs.Tests.Support;

/// <summary>Settings under which a cluster does in a second what takes it a minute in real life.</summary>
public static class FastTimings
{
    // What says that somebody is gone is short, but holds many beats; what a process that has just started may take to answer is long: on two cores,
    // with several tests at once, its first answers take seconds.
    public static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>
    {
        ["Mdfs:Worker:HeartbeatInterval"] = "00:00:00.2",
        ["Mdfs:Worker:ReservedBytes"] = "1048576",
        ["Mdfs:Worker:IdleTimeout"] = "00:00:05",
        ["Mdfs:Worker:StopsFor"] = "00:00:00",
        ["Mdfs:Master:MassLossDelay"] = "00:00:00",
        ["Mdfs:Master:NodeTimeout"] = "00:00:03",
        ["Mdfs:Master:HealthCheckInterval"] = "00:00:00.2",
        ["Mdfs:Master:RepairInterval"] = "00:00:00.3",
        ["Mdfs:Master:TrimGrace"] = "00:00:01",
        ["Mdfs:Master:IdleTimeout"] = "00:00:05",
        ["Mdfs:Master:CommitWait"] = "00:00:05",
        ["Mdfs:Master:OpenTimeout"] = "00:00:20",
        ["Mdfs:Master:SealTimeout"] = "00:00:20",
    };

    /// <summary>These with others over them.</summary>
    public static Dictionary<string, string> With(params IEnumerable<(string Key, string Value)> others)
    {
        var settings = new Dictionary<string, string>(Settings, StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in others)
            settings[key] = value;
        return settings;
    }
}
