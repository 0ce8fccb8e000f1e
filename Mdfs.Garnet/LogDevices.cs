using Microsoft.Extensions.Logging;
using Tsavorite.core;

namespace Mdfs.Garnet;

/// <summary>
/// The files of the log: written through to the disk, read through the system's cache. Garnet's own factory opens them for reading with O_DIRECT in pieces of 512 bytes, which a disk
/// with sectors of 4096 bytes refuses (EINVAL): a store on one could be filled, and ended its process with a segmentation fault when it was started again.
/// </summary>
internal sealed class LogDevices(ILogger logger) : INamedDeviceFactoryCreator
{
    public INamedDeviceFactory Create(string baseName) => new Factory(baseName, logger);

    private sealed class Factory(string baseName, ILogger logger) : INamedDeviceFactory
    {
        // File buffering is left on because only then are the files opened with O_SYNC (write-through); without it they are opened
        // with O_DIRECT, which leaves the disk's own cache out. The native device would need libaio and ends the process where that is missing.
        private readonly LocalStorageNamedDeviceFactory _files = new(disableFileBuffering: false, deviceType: DeviceType.RandomAccess, baseName: baseName, logger: logger);

        public IDevice Get(FileDescriptor fileInfo) => new RandomAccessLocalStorageDevice(
            Path.Combine(baseName, fileInfo.directoryName, fileInfo.fileName), disableFileBuffering: false, osReadBuffering: true, logger: logger);

        public IEnumerable<FileDescriptor> ListContents(string path) => _files.ListContents(path);

        public void Delete(FileDescriptor fileInfo) => _files.Delete(fileInfo);

        public uint GetSectorSize(FileDescriptor fileInfo) => _files.GetSectorSize(fileInfo);
    }
}
