using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Wire;

namespace Mdfs.Worker.Storage;

/// <summary>
/// Where bytes go that nobody may serve, count or delete: one directory each, with a reason for the admin to read, who adopts or purges them. What is adopted
/// is linked and not moved, so that no crash and no refused commit can lose it.
/// </summary>
internal sealed class Quarantine(DataDirectory directory)
{
    private const string ReasonFile = "reason.txt";
    private const int MarkLength = 8;
    private const int BufferSize = 4 * BlockFormat.BlockSize;

    private readonly ConcurrentDictionary<string, QuarantinedReplica> _held = new(StringComparer.Ordinal);

    public int Count => _held.Count;

    public long Bytes => _held.Values.Sum(static one => one.Size);

    /// <summary>Finds what earlier lives have put aside.</summary>
    public void Load()
    {
        foreach (var path in Directory.EnumerateDirectories(directory.Quarantine))
        {
            if (Read(path) is { } found) _held[found.Id] = found;
        }
    }

    /// <summary>Everything that says what the bytes are is there, durable, before the bytes themselves move.</summary>
    public void Put(string path, string reason)
    {
        var target = Path.Combine(directory.Quarantine, $"{Path.GetFileName(path)}-{RandomNumberGenerator.GetHexString(MarkLength, lowercase: true)}");
        Directory.CreateDirectory(target);
        foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Checksum })
        {
            if (File.Exists(path + ending)) Durable.WriteFile(Path.Combine(target, Path.GetFileName(path) + ending), File.ReadAllBytes(path + ending));
        }

        Durable.WriteFile(Path.Combine(target, ReasonFile), Encoding.UTF8.GetBytes(reason + "\n"));
        Durable.SyncDirectory(directory.Quarantine);
        File.Move(path, Path.Combine(target, Path.GetFileName(path)));
        Durable.SyncDirectory(target);
        foreach (var ending in new[] { Sidecars.Blocks, Sidecars.Checksum, Sidecars.Damaged }) File.Delete(path + ending);
        Durable.SyncDirectory(Path.GetDirectoryName(path)!);
        if (Read(target) is { } put) _held[put.Id] = put;
    }

    /// <summary>The latest first.</summary>
    public IReadOnlyList<QuarantinedReplica> List(int most) => [.. _held.Values.OrderByDescending(static one => one.PutAt).Take(most)];

    public QuarantinedReplica? Find(string id) => _held.GetValueOrDefault(id);

    /// <summary>For good. False: it is not there.</summary>
    public bool Purge(string id)
    {
        if (!_held.TryRemove(id, out var purged)) return false;
        try
        {
            Directory.Delete(PathOf(id), recursive: true);
            Durable.SyncDirectory(directory.Quarantine);
            return true;
        }
        catch
        {
            _held[id] = purged;
            throw;
        }
    }

    /// <summary>
    /// Puts the bytes, a second time, where uploads lie, with block checksums made anew while all of it is read.
    /// </summary>
    /// <returns>Their CRC-32; null: they are not what their description says, or cannot be read.</returns>
    public async Task<Checksum?> LinkAsync(QuarantinedReplica quarantined, string target, CancellationToken cancellation)
    {
        var bytes = BytesOf(PathOf(quarantined.Id), quarantined.Id);
        try
        {
            var checksum = await HashAsync(bytes, target + Sidecars.Blocks, cancellation);
            if (quarantined.Replica is { } replica && (replica.Checksum != checksum || replica.Size != quarantined.Size)) return null;
            Durable.LinkFile(bytes, target);
            return checksum;
        }
        catch (IOException error) when (!Durable.IsDiskFull(error))
        {
            return null;
        }
    }

    private static async Task<Checksum> HashAsync(string path, string blocks, CancellationToken cancellation)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        using var writer = new BlockSidecarWriter(blocks);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (int read; (read = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, BufferSize), writer.Length, cancellation)) > 0;) writer.Append(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        var checksum = writer.Complete();
        await writer.FlushAsync();
        return checksum;
    }

    private string PathOf(string id) => Path.Combine(directory.Quarantine, id);

    private static string BytesOf(string path, string id) => Path.Combine(path, id[..^(MarkLength + 1)]);

    /// <summary>Null: it is none of ours, or a crash came between its sidecars and its bytes, which then lie where they lay.</summary>
    private static QuarantinedReplica? Read(string path)
    {
        var id = Path.GetFileName(path);
        if (id.Length <= MarkLength + 1 || id[^(MarkLength + 1)] != '-') return null;
        var bytes = BytesOf(path, id);
        if (!File.Exists(bytes)) return null;
        var reason = Path.Combine(path, ReasonFile);
        var known = File.Exists(reason);
        return new QuarantinedReplica(
            id, known ? ReasonIn(reason) : "", new DateTimeOffset(File.GetLastWriteTimeUtc(known ? reason : path)), new FileInfo(bytes).Length,
            ChecksumFile.Read(bytes + Sidecars.Checksum) ?? BlockFormat.ReadHeader(bytes + Sidecars.Blocks)?.Description);
    }

    // The bytes are here all the same.
    private static string ReasonIn(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
