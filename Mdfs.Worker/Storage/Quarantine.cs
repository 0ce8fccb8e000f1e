using System.Security.Cryptography;
using System.Text;

namespace Mdfs.Worker.Storage;

/// <summary>Where bytes go that nobody may serve, count or delete: one directory each, with a reason for the admin to read.</summary>
internal static class Quarantine
{
    /// <summary>Everything that says what the bytes are is there, durable, before the bytes themselves move.</summary>
    public static void Put(DataDirectory directory, string path, string reason)
    {
        var target = Path.Combine(directory.Quarantine, $"{Path.GetFileName(path)}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        Directory.CreateDirectory(target);
        foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Checksum })
        {
            if (File.Exists(path + ending)) Durable.WriteFile(Path.Combine(target, Path.GetFileName(path) + ending), File.ReadAllBytes(path + ending));
        }

        Durable.WriteFile(Path.Combine(target, "reason.txt"), Encoding.UTF8.GetBytes(reason + "\n"));
        Durable.SyncDirectory(directory.Quarantine);
        File.Move(path, Path.Combine(target, Path.GetFileName(path)));
        Durable.SyncDirectory(target);
        foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Checksum, Sidecars.Damaged }) File.Delete(path + ending);
        Durable.SyncDirectory(Path.GetDirectoryName(path)!);
    }
}
