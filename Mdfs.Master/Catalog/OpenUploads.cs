using System.Collections.Concurrent;
using Mdfs.Protocol.Wire;

namespace Mdfs.Master.Catalog;

/// <summary>
/// Uploads that still run, wait for their commit, or whose transaction has not been settled: their prepared bytes are nobody else's to seal or
/// discard.
/// </summary>
public sealed class OpenUploads
{
    private readonly ConcurrentDictionary<UploadId, byte> _open = new();

    public int Count => _open.Count;

    public void Open(UploadId upload) => _open.TryAdd(upload, 0);

    public void Close(UploadId upload) => _open.TryRemove(upload, out _);

    public bool IsOpen(UploadId upload) => _open.ContainsKey(upload);
}
