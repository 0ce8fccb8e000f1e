using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Versions;
using Mdfs.Worker.Storage;

namespace Mdfs.Worker.Integrity;

/// <summary>Where the scrub stands.</summary>
/// <param name="Cycle">Rounds begun; 0 before the first.</param>
/// <param name="Began">Of the present round.</param>
/// <param name="BeganBefore">Of the round before, which was complete; null in the first.</param>
/// <param name="Next">The version that is being re-read or is next.</param>
/// <param name="Block">Its block to go on with.</param>
/// <param name="Complete">The present round is over.</param>
/// <param name="CanaryAt">When planted rot was last found and healed.</param>
/// <param name="CanarySick">Planted rot was found, and is not healed yet.</param>
/// <param name="Order">The last order of an admin that was carried out.</param>
internal sealed record ScrubFacts(
    long Cycle, DateTimeOffset Began, DateTimeOffset? BeganBefore, MovieVersion Next, long Block, bool Complete, bool Paused, long Found, long Healed, DateTimeOffset CanaryAt, long Order, bool CanarySick = false);

/// <summary><c>scrub.json</c>: lost or damaged it costs a round that begins anew, so it is never a reason not to start.</summary>
internal sealed class ScrubMemory
{
    private readonly Lock _writing = new();
    private readonly string _path;
    private readonly TimeProvider _time;
    private ScrubFacts _facts;
    private bool _written = true;

    public ScrubMemory(DataDirectory directory, TimeProvider time)
    {
        _path = Path.Combine(directory.Root, "scrub.json");
        _time = time;
        _facts = Read() ?? new ScrubFacts(0, time.GetUtcNow(), null, MovieVersion.None, 0, Complete: true, Paused: false, 0, 0, time.GetUtcNow(), 0);
    }

    public ScrubFacts Facts => Volatile.Read(ref _facts);

    /// <summary>In memory; <see cref="Save"/> writes it down.</summary>
    public void Change(Func<ScrubFacts, ScrubFacts> change)
    {
        lock (_writing)
        {
            Volatile.Write(ref _facts, change(_facts));
            _written = false;
        }
    }

    public void Save()
    {
        lock (_writing)
        {
            if (_written) return;
            try
            {
                Durable.WriteFile(_path, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(_facts, StorageJson.Default.ScrubFacts) + "\n"));
                _written = true;
            }
            catch (IOException)
            {
                // A full disk is no reason not to read it; after a crash the round goes on from further back.
            }
        }
    }

    private ScrubFacts? Read()
    {
        try
        {
            var read = File.Exists(_path) ? JsonSerializer.Deserialize(File.ReadAllBytes(_path), StorageJson.Default.ScrubFacts) : null;
            // A clock that was set back must not put the next round off.
            return read is null || read.Began <= _time.GetUtcNow() ? read : read with { Began = _time.GetUtcNow() };
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            return null;
        }
    }
}
