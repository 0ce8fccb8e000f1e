namespace Mdfs.Cli.Transfer;

/// <summary>Is told how one movie gets on.</summary>
internal interface IMeter
{
    /// <summary>A new stretch of work.</summary>
    /// <param name="what">A word or two: sending, comparing.</param>
    /// <param name="total">Bytes; null when nobody knows.</param>
    void Begin(string what, long at, long? total);

    void Add(long bytes);
}

/// <summary>Nobody watches.</summary>
internal sealed class NoMeter : IMeter
{
    public static NoMeter Instance { get; } = new();

    public void Begin(string what, long at, long? total)
    {
    }

    public void Add(long bytes)
    {
    }
}
