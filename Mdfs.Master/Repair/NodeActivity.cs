namespace Mdfs.Master.Repair;

/// <summary>How busy a node is and how lately it was heard.</summary>
/// <param name="Streams">Windows being sent.</param>
/// <param name="SinceBeat">Monotonic time since its last beat came.</param>
public readonly record struct NodeActivity(int Streams, TimeSpan SinceBeat);
