using System.Globalization;

namespace Mdfs.Worker.Heartbeats;

/// <summary>Where masters may be found: <c>services:master:http:0</c>, <c>:1</c>, …, the keys that Aspire injects. One reigns; the others refuse.</summary>
internal sealed class MasterAddresses
{
    private readonly string[] _all;
    private int _current;

    public MasterAddresses(IConfiguration configuration)
    {
        _all = [.. Enumerable.Range(0, 64)
            .Select(index => configuration[string.Create(CultureInfo.InvariantCulture, $"services:master:http:{index}")])
            .TakeWhile(static address => !string.IsNullOrWhiteSpace(address))
            .Select(static address => address!.TrimEnd('/'))];
        if (_all.Length == 0) throw new InvalidOperationException("No master is configured. Set services:master:http:0 (environment variable services__master__http__0) to its address.");
        if (_all.FirstOrDefault(static address => !Uri.TryCreate(address, UriKind.Absolute, out _)) is { } bad)
            throw new InvalidOperationException($"services:master:http: '{bad}' is no address. Give http://host:port.");
    }

    public string Current => _all[(int)((uint)Volatile.Read(ref _current) % (uint)_all.Length)];

    /// <summary>Tries the next one from now on.</summary>
    public void Rotate() => Interlocked.Increment(ref _current);
}
