using System.Text;
using System.Text.Json;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>
/// <c>&lt;version&gt;.checksum</c>: first line the classic 8 hex digits, second line the description as JSON, third line the CRC-32 of the two
/// before it, so that a flipped bit in a name is noticed and mended from the <c>.blocks</c> header instead of being believed.
/// </summary>
internal static class ChecksumFile
{
    public static void Write(string path, ReplicaDescription description)
    {
        var text = $"{description.Checksum}\n{JsonSerializer.Serialize(description, StorageJson.Default.ReplicaDescription)}\n";
        Durable.WriteFile(path, Encoding.UTF8.GetBytes($"{text}{Checksum.Of(Encoding.UTF8.GetBytes(text))}\n"));
    }

    /// <summary>Null when the file is missing or does not agree with itself.</summary>
    public static ReplicaDescription? Read(string path)
    {
        try
        {
            var content = File.ReadAllBytes(path);
            // The last line is 8 digits and a line feed.
            if (content.Length < 20 || !Checksum.TryParse(Encoding.ASCII.GetString(content, content.Length - 9, 8), out var check)) return null;
            var text = content.AsSpan(0, content.Length - 9);
            if (Checksum.Of(text) != check) return null;
            var line = text.IndexOf((byte)'\n');
            return JsonSerializer.Deserialize(text[(line + 1)..], StorageJson.Default.ReplicaDescription);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
