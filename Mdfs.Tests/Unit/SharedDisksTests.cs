using Mdfs.Master.Cluster;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;
using static Mdfs.Tests.Unit.Nodes;

namespace Mdfs.Tests.Unit;

/// <summary>Room is counted once for each disk.</summary>
public sealed class SharedDisksTests
{
    [Fact]
    public void Nodes_that_share_a_disk_have_its_room_together_and_others_each_their_own()
    {
        var space = SharedDisks.Space([
            On(1, "a", capacity: 110, free: 100, used: 10), On(2, "a", capacity: 120, free: 100, used: 20),
            // A limit of their own below what the disk has.
            On(3, "b", capacity: 30, free: 25, used: 5, diskFree: 100), On(4, "b", capacity: 30, free: 30, used: 0, diskFree: 100),
            On(5, null, capacity: 50, free: 50, used: 0), On(6, null, capacity: 50, free: 50, used: 0)]);
        Assert.Equal(new NodeSpace(130 + 60 + 100, 100 + 55 + 100, 35, 0), space);
    }

    [Theory]
    [InlineData("/data/w1", "8:1")]
    [InlineData("/data", "8:1")]
    [InlineData("/database", "0:30")]
    [InlineData("/mnt/my disk/w", "8:17")]
    public void The_disk_of_a_directory_is_that_of_the_mount_point_it_lies_below(string directory, string device) => Assert.Equal(device, FileSystemName.DeviceOf(
        ["20 1 0:30 / / rw - overlay overlay rw", "30 20 8:1 / /data rw,noatime shared:1 - ext4 /dev/sda1 rw", @"31 20 8:16 / /mnt/my\040disk rw - ext4 /dev/sdb rw", @"32 31 8:17 / /mnt/my\040disk rw - ext4 /dev/sdb1 rw"], directory));

    [Fact]
    public void A_directory_that_is_reached_through_a_link_lies_on_the_disk_that_the_link_leads_to()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Directory.Exists("/dev/shm"), "There is no second file system at hand.");
        using var temp = new TempDirectory();
        var there = Directory.CreateDirectory($"/dev/shm/mdfs-{Guid.NewGuid():N}/w");
        try
        {
            Directory.CreateSymbolicLink(temp["disk"], there.Parent!.FullName);
            Directory.CreateDirectory(temp["w2"]);
            Assert.NotNull(FileSystemName.Of(temp["w2"]));
            Assert.Equal(FileSystemName.Of(there.FullName), FileSystemName.Of(Path.Combine(temp["disk"], "w")));
            Assert.Equal(FileSystemName.Resolve(there.FullName), FileSystemName.Resolve(Path.Combine(temp["disk"], "w")));
        }
        finally
        {
            there.Parent!.Delete(recursive: true);
        }
    }

    private static NodeView On(int number, string? disk, long capacity, long free, long used, long? diskFree = null) =>
        Node(number) with { Space = new NodeSpace(capacity, free, used, 0) { Disk = disk, DiskFree = diskFree ?? (disk is null ? null : free) } };
}
