namespace Mdfs.Master.Transfer;

/// <summary>As whom the master speaks at this moment. Asked for every call, since the epoch may rise during its life (design, section 2.7).</summary>
public interface IMasterIdentity
{
    /// <summary>The number of its reign.</summary>
    long Epoch { get; }

    /// <summary>Milliseconds since 1970 by the master's clock, by which workers judge the expiry of tokens.</summary>
    long Now { get; }
}
