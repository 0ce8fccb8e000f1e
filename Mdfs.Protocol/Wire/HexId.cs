using System.Diagnostics.CodeAnalysis;

namespace Mdfs.Protocol.Wire;

internal static class HexId
{
    public static bool IsValid([NotNullWhen(true)] string? text) =>
        text is { Length: 32 } && text.AsSpan().IndexOfAnyExcept("0123456789abcdef") < 0;
}
