using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;

namespace Mdfs.Tests.Unit;

public sealed class WorkerTombstoneLogTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private string LogFile => _directory["tombstones.log"];

    [Fact]
    public void The_highest_bound_of_a_name_is_kept_across_openings()
    {
        using (var log = TombstoneLog.Open(LogFile)) log.Add([Of("a.mp4", 5), Of("b.mp4", 7), Of("a.mp4", 9), Of("a.mp4", 8)]);
        Assert.Equal([Of("a.mp4", 9), Of("b.mp4", 7)], Reopened());
    }

    [Fact]
    public void Forgetting_removes_only_what_was_told()
    {
        using (var log = TombstoneLog.Open(LogFile))
        {
            log.Add([Of("a.mp4", 5), Of("b.mp4", 7)]);
            log.Forget([Of("a.mp4", 5), Of("b.mp4", 6)]);
        }

        Assert.Equal([Of("b.mp4", 7)], Reopened());
    }

    [Fact]
    public void A_line_torn_at_any_byte_is_cut_off_and_the_log_goes_on()
    {
        using (var log = TombstoneLog.Open(LogFile)) log.Add([Of("a.mp4", 5)]);
        var first = File.ReadAllBytes(LogFile).Length;
        using (var log = TombstoneLog.Open(LogFile)) log.Add([Of("b.mp4", 6)]);
        var whole = File.ReadAllBytes(LogFile);
        for (var length = first; length < whole.Length; length++)
        {
            File.WriteAllBytes(LogFile, whole[..length]);
            using (var log = TombstoneLog.Open(LogFile))
            {
                Assert.Equal([Of("a.mp4", 5)], log.Live());
                Assert.Equal(0, log.Unreadable);
                log.Add([Of("c.mp4", 7)]);
            }

            Assert.Equal([Of("a.mp4", 5), Of("c.mp4", 7)], Reopened());
        }
    }

    [Fact]
    public void A_flipped_bit_costs_its_own_line_alone_and_is_told()
    {
        using (var log = TombstoneLog.Open(LogFile)) log.Add([Of("a.mp4", 5), Of("b.mp4", 6), Of("c.mp4", 7)]);
        var bytes = File.ReadAllBytes(LogFile);
        bytes[20] ^= 1;
        File.WriteAllBytes(LogFile, bytes);
        using var again = TombstoneLog.Open(LogFile);
        Assert.Equal([Of("b.mp4", 6), Of("c.mp4", 7)], again.Live().OrderBy(one => one.Name));
        Assert.Equal(1, again.Unreadable);
    }

    [Fact]
    public void A_log_of_what_no_longer_matters_is_compacted_and_loses_nothing()
    {
        using (var log = TombstoneLog.Open(LogFile))
        {
            log.Add([Of("kept.mp4", 1)]);
            for (var i = 0; i < 20; i++)
            {
                var batch = Enumerable.Range(0, 100).Select(n => Of($"{n}.mp4", (i * 10) + 2)).ToList();
                log.Add(batch);
                log.Forget(batch);
            }

            log.Add([Of("last.mp4", 3)]);
        }

        Assert.Equal([Of("kept.mp4", 1), Of("last.mp4", 3)], Reopened());
        Assert.InRange(new FileInfo(LogFile).Length, 1, 300_000);
    }

    private List<Tombstone> Reopened()
    {
        using var log = TombstoneLog.Open(LogFile);
        return [.. log.Live().OrderBy(one => one.Name)];
    }

    private static Tombstone Of(string name, long bound) => new(FileName.Parse(name), new MovieVersion(bound), 1, DateTimeOffset.UnixEpoch);
}
