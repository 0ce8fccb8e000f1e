using System.Security.Cryptography;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Cluster;

/// <summary>
/// Who reigns over what: the epoch of this master, and the id of the cluster. Epoch 0 means that this master reigns over nothing: it
/// started without Redis, serves reads and orders nothing (design, section 2.6).
/// </summary>
public sealed class MasterIdentity(TimeProvider time) : IMasterIdentity
{
    private readonly TaskCompletionSource _firm = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _epoch;
    private long _heardEpoch;
    private long _deposed;
    private string _clusterId = "";

    public long Epoch => Interlocked.Read(ref _epoch);

    /// <summary>
    /// What tokens are issued under: the own epoch, or, for a master that never had one, the highest that a worker told, since workers refuse lower
    /// ones. A master that was replaced keeps its own to the end: nobody obeys it any more.
    /// </summary>
    public long TokenEpoch =>
        Epoch is > 0 and var epoch ? epoch
        : Interlocked.Read(ref _deposed) is > 0 and var deposed ? deposed
        : Interlocked.Read(ref _heardEpoch);

    long IMasterIdentity.Epoch => TokenEpoch;

    long IMasterIdentity.Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Empty until it is known: then no upload can be committed.</summary>
    public string ClusterId => Volatile.Read(ref _clusterId);

    /// <summary>Completes when the cluster id is known.</summary>
    public Task Firm => _firm.Task;

    public static string NewClusterId() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>Whether the node that says this obeys us: it may still be carrying out an order of our predecessor. Who reigns over nothing asks for nothing.</summary>
    public bool IsObeyedIn(Beat beat) => Epoch is var epoch && (epoch == 0 || beat.Epoch == epoch);

    public void Reign(long epoch) => Interlocked.Exchange(ref _epoch, epoch);

    /// <summary>Another master reigns: nothing is said in anybody's name from now on, and never in the successor's.</summary>
    public void StepDown()
    {
        if (Epoch is not (> 0 and var epoch)) return;
        Interlocked.Exchange(ref _deposed, epoch);
        Interlocked.Exchange(ref _epoch, 0);
    }

    public void HearEpoch(long epoch)
    {
        for (var heard = Interlocked.Read(ref _heardEpoch); epoch > heard; heard = Interlocked.Read(ref _heardEpoch))
        {
            if (Interlocked.CompareExchange(ref _heardEpoch, epoch, heard) == heard) return;
        }
    }

    public void Name(string clusterId)
    {
        Volatile.Write(ref _clusterId, clusterId);
        _firm.TrySetResult();
    }
}
