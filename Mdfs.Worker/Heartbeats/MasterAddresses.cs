using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Worker.Heartbeats;

/// <summary>Where masters may be found: at <see cref="ConfiguredMasters"/>, of which there is one at least. One reigns; the others refuse.</summary>
internal sealed class MasterAddresses
{
    private readonly string[] _all;
    private int _current;

    public MasterAddresses(IConfiguration configuration)
    {
        _all = ConfiguredMasters.Read(configuration);
        if (_all.Length == 0) throw ConfiguredMasters.Missing();
    }

    public string Current => _all[(int)((uint)Volatile.Read(ref _current) % (uint)_all.Length)];

    /// <summary>Tries the next one from now on.</summary>
    public void Rotate() => Interlocked.Increment(ref _current);
}
