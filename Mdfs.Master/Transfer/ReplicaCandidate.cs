namespace Mdfs.Master.Transfer;

/// <summary>A worker that may be read.</summary>
/// <param name="Damaged">Some of its blocks are known to be bad: it is asked when no whole copy is to be had.</param>
public readonly record struct ReplicaCandidate(WorkerAddress Worker, bool Damaged = false)
{
    public static implicit operator ReplicaCandidate(WorkerAddress worker) => new(worker);
}
