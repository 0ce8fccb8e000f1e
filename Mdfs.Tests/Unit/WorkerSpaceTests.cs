using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Mdfs.Tests.Unit;

/// <summary>The trash gives way to whoever needs room; a file in it that cannot be removed costs nothing else.</summary>
public sealed class WorkerSpaceTests : IDisposable
{
    // Far more than any disk has: whatever is promised of it has to come from the trash.
    private const long Large = 1L << 60;

    private readonly TempDirectory _place = new();
    private readonly IOptions<WorkerOptions> _options = Options.Create(new WorkerOptions { ReservedBytes = 0 });
    private readonly DataDirectory _directory;
    private readonly KeptTrash _kept;

    public WorkerSpaceTests()
    {
        _directory = DataDirectory.Open(_place.Path);
        var trash = new Trash(_directory, TimeProvider.System, NullLogger<Trash>.Instance);
        _kept = new KeptTrash(_directory, trash, _options, TimeProvider.System, NullLogger<KeptTrash>.Instance);
    }

    public void Dispose()
    {
        _kept.Dispose();
        _directory.Dispose();
        _place.Dispose();
    }

    [Fact]
    public void Room_that_could_not_be_made_is_not_promised()
    {
        Keep(1, Large);
        Jam(1);
        var space = new SpaceAccount(_directory, new Inventory(), _kept, _options);
        Assert.ThrowsAny<Exception>(() => space.TryReserve(Large / 2));
        Assert.Equal(0, space.Measure().InFlight);

        // Nor is it of what was promised before.
        using var small = space.TryReserve(1);
        Assert.NotNull(small);
        Assert.ThrowsAny<Exception>(() => small.TryGrow(Large / 2));
        Assert.Equal(1, space.Measure().InFlight);

        Free(1);
        using var large = space.TryReserve(Large / 2);
        Assert.NotNull(large);
        Assert.Null(_kept.Find(new MovieVersion(1)));
    }

    [Fact]
    public void What_cannot_be_removed_stays_known_and_the_next_gives_way()
    {
        Keep(1, 1000);
        Keep(2, 500);
        Jam(1);
        _kept.MakeRoom(400);
        Assert.NotNull(_kept.Find(new MovieVersion(1)));
        Assert.Null(_kept.Find(new MovieVersion(2)));
        Assert.Equal(1000, _kept.Bytes);

        Assert.ThrowsAny<Exception>(() => _kept.MakeRoom(400));
        Free(1);
        _kept.MakeRoom(400);
        Assert.Equal(0, _kept.Bytes);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Kept));
    }

    private void Keep(long version, long size)
    {
        var path = Path.Combine(_directory.Kept, $"{version}");
        File.WriteAllBytes(path, [1]);
        var replica = new ReplicaDescription(FileName.Parse($"{version}.mp4"), new MovieVersion(version), size, Checksum.Of([1]), DateTimeOffset.UnixEpoch, UploadId.New(), "cluster");
        ChecksumFile.Write(path + Sidecars.Checksum, replica);
        // The lower the version, the longer it lies there.
        File.SetLastWriteTimeUtc(path + Sidecars.Checksum, DateTime.UtcNow.AddMinutes(version - 10));
        if (_kept.Find(replica.Version) is null) _kept.Load();
    }

    // A directory in the place of the file: no one can remove it as a file.
    private void Jam(long version)
    {
        Free(version);
        Directory.CreateDirectory(Path.Combine(_directory.Kept, $"{version}"));
    }

    private void Free(long version)
    {
        var path = Path.Combine(_directory.Kept, $"{version}");
        if (Directory.Exists(path)) Directory.Delete(path);
        else File.Delete(path);
    }
}
