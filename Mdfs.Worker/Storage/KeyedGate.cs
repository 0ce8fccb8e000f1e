namespace Mdfs.Worker.Storage;

/// <summary>One at a time per key; a fixed number of gates is shared by all keys, so that memory does not grow with names.</summary>
internal sealed class KeyedGate
{
    private readonly SemaphoreSlim[] _gates = [.. Enumerable.Range(0, 64).Select(static _ => new SemaphoreSlim(1, 1))];

    /// <summary>Holds the key until the result is disposed. Never asked for a second key while one is held.</summary>
    public async Task<Held> EnterAsync(string key, CancellationToken cancellation)
    {
        var gate = Of(key);
        await gate.WaitAsync(cancellation);
        return new Held(gate);
    }

    public bool IsHeld(string key) => Of(key).CurrentCount == 0;

    private SemaphoreSlim Of(string key) => _gates[(uint)string.GetHashCode(key, StringComparison.Ordinal) % (uint)_gates.Length];

    public readonly struct Held(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
