namespace Mdfs.Gateway.Sources;

/// <summary>A worker that may be read.</summary>
/// <param name="Damaged">Some of its blocks are known to be bad: it is asked when no whole copy is to be had.</param>
/// <param name="Grant">The master's word to this worker that whoever brings it may read this version; null on the master, which speaks for itself.</param>
public readonly record struct ReplicaCandidate(WorkerAddress Worker, bool Damaged = false, string? Grant = null)
{
    public static implicit operator ReplicaCandidate(WorkerAddress worker) => new(worker);
}
