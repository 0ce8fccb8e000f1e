using System.Diagnostics.CodeAnalysis;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Uploads;

/// <summary>The values of <c>Upload-Concat</c> (tus 1.0, concatenation): <c>partial</c>, or <c>final;</c> and the addresses of the parts.</summary>
public static class UploadConcat
{
    public const string Partial = "partial";
    public const string FinalPrefix = "final;";

    /// <summary>The longest value that is kept, in characters.</summary>
    public const int MaxLength = 16 << 10;

    public static bool IsFinal([NotNullWhen(true)] string? value) => value?.StartsWith(FinalPrefix, StringComparison.Ordinal) == true;

    /// <summary>The parts in their order, absolute addresses or paths; null when one of them is no upload of this server.</summary>
    public static IReadOnlyList<UploadId>? Parts(string final)
    {
        var parts = new List<UploadId>();
        foreach (var address in final[FinalPrefix.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = Uri.TryCreate(address, UriKind.Absolute, out var absolute) && absolute.Scheme is "http" or "https" ? absolute!.AbsolutePath : address;
            if (!path.StartsWith(UploadEndpoints.Root + "/", StringComparison.Ordinal) || !UploadId.TryParse(path[(UploadEndpoints.Root.Length + 1)..], out var id)) return null;
            parts.Add(id);
        }

        return parts.Count > 0 ? parts : null;
    }
}
