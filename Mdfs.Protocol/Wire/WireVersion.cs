namespace Mdfs.Protocol.Wire;

/// <summary>
/// The version of what nodes say to one another. Neighbours of different versions work together: what a newer one adds is ignored by an older one, and what
/// an older one leaves out has its default. So the number refuses nobody; it lets both sides say that an upgrade is only half done.
/// </summary>
/// <remarks>1: everything before the number was told; such a node tells 0. 2: the number itself, and goodbyes. 3: windows for front ends.</remarks>
public static class WireVersion
{
    /// <summary>What this program speaks. To be raised with every change of a wire record that the other side should know of.</summary>
    public const int Current = 3;

    /// <summary>The version that a beat or a reply was written in.</summary>
    public static int Of(int told) => Math.Max(1, told);

    /// <summary>What an operator should do about a neighbour of another version, or null: there is none.</summary>
    /// <param name="neighbour">Who it is, for the beginning of a sentence.</param>
    public static string? Remark(string neighbour, int told) => Of(told).CompareTo(Current) switch
    {
        0 => null,
        < 0 => $"{neighbour} speaks version {Of(told)} of the protocol between nodes, this program version {Current}. They work together; upgrade the other one as well.",
        _ => $"{neighbour} speaks version {told} of the protocol between nodes, this program version {Current}. They work together; upgrade this one as well.",
    };
}
