using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Hosting;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;

namespace Mdfs.Tests.Unit;

public sealed class WorkerNodeMemoryTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_identity_is_made_once_and_what_was_heard_is_kept()
    {
        var first = Remember(memory =>
        {
            Assert.True(memory.TryJoin("one"));
            Assert.True(memory.TryObey(7));
            memory.Hear(new MovieVersion(42), 1000, settled: true, draining: true);
            return memory.Facts;
        });
        Assert.Equal(first, Remember(memory => memory.Facts));
    }

    [Fact]
    public void A_lower_epoch_is_refused_also_after_a_restart()
    {
        Remember(memory => memory.TryObey(7));
        Assert.False(Remember(memory => memory.TryObey(6)));
        Assert.True(Remember(memory => memory.TryObey(7)));
    }

    [Fact]
    public void A_node_joins_one_cluster_for_good()
    {
        Assert.True(Remember(memory => memory.TryJoin("one")));
        Assert.False(Remember(memory => memory.TryJoin("two")));
    }

    [Fact]
    public void What_a_full_disk_does_not_take_is_known_all_the_same_and_written_down_when_there_is_room()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs /dev/full.");
        Remember(memory =>
        {
            File.CreateSymbolicLink(_directory["node.json.tmp"], "/dev/full");
            memory.Hear(new MovieVersion(42), 1000, settled: true, draining: true);
            Assert.Equal((42, true), (memory.Facts.HighestVersion.Number, memory.Facts.Draining));
            memory.Hear(new MovieVersion(42), 1000, settled: true, draining: true);
            return 0;
        });
        Assert.Equal((42, 1000.0, true), Remember(memory => (memory.Facts.HighestVersion.Number, memory.Facts.SettledAge, memory.Facts.Draining)));
    }

    [Fact]
    public void Hearing_a_master_that_did_not_settle_does_not_move_the_settled_age()
    {
        Remember(memory =>
        {
            memory.Hear(default, 500, settled: true, draining: false);
            memory.Hear(default, 9000, settled: false, draining: false);
            return 0;
        });
        Assert.Equal((9000.0, 500.0), Remember(memory => (memory.Facts.ClusterAge, memory.Facts.SettledAge)));
    }

    [Fact]
    public void Any_flipped_bit_of_the_identity_stops_the_start_and_mints_no_other()
    {
        Remember(memory => memory.TryObey(3));
        using var directory = DataDirectory.Open(_directory.Path);
        var good = File.ReadAllBytes(directory.NodeFile);
        for (var at = 0; at < good.Length - 1; at++)
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= 1;
            File.WriteAllBytes(directory.NodeFile, bad);
            var refusal = Record.Exception(() => NodeMemory.Open(directory));
            // A changed letter of a property's name that JSON compares without case changes nothing that is read.
            if (refusal is null) Assert.Equal(3, NodeMemory.Open(directory).Facts.Epoch);
            else Assert.Contains("is damaged", Assert.IsType<SettingException>(refusal).Message);
            Assert.Equal(bad, File.ReadAllBytes(directory.NodeFile));
        }
    }

    [Fact]
    public void A_missing_identity_beside_replicas_stops_the_start()
    {
        using var directory = DataDirectory.Open(_directory.Path);
        File.WriteAllText(directory.ReplicaPath(new MovieVersion(5)), "bytes");
        Assert.Contains("is missing", Assert.Throws<SettingException>(() => NodeMemory.Open(directory)).Message);
    }

    [Fact]
    public void A_directory_that_vanished_is_not_made_this_nodes_again_by_what_is_heard()
    {
        using var directory = DataDirectory.Open(_directory.Path);
        var memory = NodeMemory.Open(directory);
        var file = File.ReadAllBytes(directory.NodeFile);
        File.Delete(directory.NodeFile);
        // Found before the directory is looked at again, it is a write that failed.
        Assert.ThrowsAny<IOException>(() => memory.Hear(new MovieVersion(42), 1000, settled: true, draining: false));
        memory.GoOut();
        memory.Hear(new MovieVersion(43), 2000, settled: true, draining: false);
        Assert.True(memory.TryObey(7));
        memory.Save();
        Assert.False(memory.IsOnDisk());
        Assert.False(File.Exists(directory.NodeFile));
        Assert.Equal((7, new MovieVersion(43)), (memory.Facts.Epoch, memory.Facts.HighestVersion));
        Assert.ThrowsAny<IOException>(memory.ComeBack);

        File.WriteAllBytes(directory.NodeFile, file);
        memory.ComeBack();
        Assert.Equal(memory.Facts, NodeMemory.Open(directory).Facts);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_identity_that_rots_below_a_running_worker_is_written_anew_from_memory(bool unreadable)
    {
        Assert.SkipUnless(!unreadable || OperatingSystem.IsLinux(), "Needs a file that cannot be read (/proc/self/mem).");
        using var directory = DataDirectory.Open(_directory.Path);
        var memory = NodeMemory.Open(directory);
        if (unreadable)
        {
            File.Delete(directory.NodeFile);
            File.CreateSymbolicLink(directory.NodeFile, "/proc/self/mem");
            Assert.ThrowsAny<IOException>(() => memory.IsOnDisk());
        }
        else
        {
            var rotten = File.ReadAllBytes(directory.NodeFile);
            rotten[10] ^= 1;
            File.WriteAllBytes(directory.NodeFile, rotten);
            Assert.False(memory.IsOnDisk());
        }

        memory.GoOut();
        memory.Hear(new MovieVersion(42), 1000, settled: true, draining: false);
        Assert.True(memory.IsOnDisk());
        memory.ComeBack();
        Assert.Equal(memory.Facts, NodeMemory.Open(directory).Facts);
    }

    [Fact]
    public void A_directory_of_another_node_is_left_alone()
    {
        using var directory = DataDirectory.Open(_directory.Path);
        var memory = NodeMemory.Open(directory);
        File.Delete(directory.NodeFile);
        var other = NodeMemory.Open(directory).Facts;
        memory.GoOut();
        memory.Hear(new MovieVersion(42), 1000, settled: true, draining: false);
        Assert.False(memory.IsOnDisk());
        Assert.Equal(other, NodeMemory.Open(directory).Facts);
    }

    [Fact]
    public void A_higher_epoch_that_cannot_be_written_is_obeyed_only_by_a_node_that_is_out()
    {
        using var directory = DataDirectory.Open(_directory.Path);
        var memory = NodeMemory.Open(directory);
        // A directory in the place of the file that is written first.
        var obstacle = Directory.CreateDirectory(directory.NodeFile + Durable.Unfinished);
        Assert.ThrowsAny<Exception>(() => memory.TryObey(7));
        Assert.Equal(0, memory.Facts.Epoch);
        memory.GoOut();
        Assert.True(memory.TryObey(7));
        Assert.False(memory.TryObey(6));
        Assert.ThrowsAny<Exception>(memory.ComeBack);

        obstacle.Delete();
        memory.ComeBack();
        Assert.Equal(7, NodeMemory.Open(directory).Facts.Epoch);
    }

    [Fact]
    public void A_directory_in_use_is_refused_and_free_again_afterwards()
    {
        using (DataDirectory.Open(_directory.Path))
            Assert.Contains("another worker uses it", Assert.Throws<Mdfs.ServiceDefaults.Hosting.SettingException>(() => DataDirectory.Open(_directory.Path)).Message);
        DataDirectory.Open(_directory.Path).Dispose();
    }

    private T Remember<T>(Func<NodeMemory, T> what)
    {
        using var directory = DataDirectory.Open(_directory.Path);
        var memory = NodeMemory.Open(directory);
        var result = what(memory);
        memory.Save();
        return result;
    }
}
