using System.Net;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Uploads that come to a worker in pieces.</summary>
public sealed class WorkerAppendTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly byte[] _movie = WorkerNode.Movie(700_001);
    private readonly UploadId _upload = UploadId.New();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Bytes => Path.Combine(_directory["incoming"], _upload.Value);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Pieces_of_any_size_become_what_one_upload_would_have_become_over_restarts()
    {
        var replica = WorkerNode.Describe(_movie, "pieces.mp4", upload: _upload);
        var offset = 0;
        foreach (var piece in (int[])[0, 1, 65_535, 65_536, 131_072, 3, 200_000, _movie.Length - 462_147])
        {
            await using var node = await WorkerNode.StartAsync(_directory.Path);
            if (offset == 0) await OpenAsync(node);
            foreach (var half in (int[])[piece / 2, piece - (piece / 2)])
            {
                var receipt = await AppendAsync(node, offset, half);
                offset += half;
                Assert.Equal((offset, Checksum.Of(_movie.AsSpan(0, offset)), node.Id), (receipt.Offset, receipt.Checksum, receipt.Node));
            }
        }

        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            var prepared = await CompleteAsync(node);
            Assert.Equal((replica.Size, replica.Checksum), (prepared.Size, prepared.Checksum));
            Assert.True((await CompleteAsync(node)).Number > prepared.Number);
        }

        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            await node.Master.SealAsync(replica);
            Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
            Assert.True((await node.Master.VerifyAsync(replica.Version)).Valid);
            Assert.Empty(Directory.EnumerateFiles(_directory["incoming"]));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_lies_behind_the_acknowledged_offset_is_cut_off(bool restarted)
    {
        var node = await WorkerNode.StartAsync(_directory.Path);
        await OpenAsync(node);
        await AppendAsync(node, 0, 70_000);
        // Written, and its receipt never heard of: other bytes follow.
        using (var lost = await SendAsync(node, 70_000, Checksum.Of(_movie.AsSpan(0, 70_000)), WorkerNode.Movie(300_000, seed: 9))) Assert.True(lost.IsSuccessStatusCode);
        if (restarted)
        {
            await node.DisposeAsync();
            node = await WorkerNode.StartAsync(_directory.Path);
        }

        var state = await StateAsync(node);
        Assert.Equal((370_000, restarted ? 0 : 70_000, false), (state.Length, state.Acknowledged, state.Prepared));
        await AppendAsync(node, 70_000, _movie.Length - 70_000);
        await CompleteAsync(node);
        var replica = (await node.Master.SealAsync(WorkerNode.Describe(_movie, "cut back.mp4", upload: _upload))).Report.Replica;
        Assert.Equal(_movie, await node.Master.BytesAsync(replica.Version, 0, _movie.Length));
        Assert.True((await node.Master.VerifyAsync(replica.Version)).Valid);
        await node.DisposeAsync();
    }

    [Fact]
    public async Task A_piece_behind_bytes_that_are_not_here_is_refused_and_nothing_changes()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        await OpenAsync(node);
        await AppendAsync(node, 0, 100_000);
        using (var ahead = await SendAsync(node, 100_001, Checksum.Of(_movie.AsSpan(0, 100_001)), [1])) await MasterVoice.RefusalAsync(ahead, HttpStatusCode.Conflict);
        using (var other = await SendAsync(node, 100_000, new Checksum(1), [1])) await MasterVoice.RefusalAsync(other, HttpStatusCode.Conflict);
        using (var other = await SendAsync(node, 90_000, new Checksum(1), [1])) await MasterVoice.RefusalAsync(other, HttpStatusCode.Conflict);
        using (var unknown = await node.Master.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(UploadId.New(), 0, default, null), content: new ByteArrayContent([1])))
            await MasterVoice.RefusalAsync(unknown, HttpStatusCode.NotFound);
        using (var early = await TryCompleteAsync(node)) await MasterVoice.RefusalAsync(early, HttpStatusCode.Conflict);
        await AppendAsync(node, 100_000, _movie.Length - 100_000);
        Assert.Equal(_movie.Length, (await CompleteAsync(node)).Size);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    public async Task A_piece_of_a_master_that_was_replaced_cuts_nothing_off(int length)
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        await OpenAsync(node);
        await AppendAsync(node, 0, 100_000);
        node.Master.Epoch = 2;
        Assert.Equal(100_000, (await StateAsync(node)).Length);
        await AppendAsync(node, 100_000, 200_000);

        node.Master.Epoch = 1;
        using (var late = await SendAsync(node, 100_000, Checksum.Of(_movie.AsSpan(0, 100_000)), _movie[100_000..(100_000 + length)]))
            Assert.Equal(NodeRefusal.StaleEpoch, (await MasterVoice.RefusalAsync(late, HttpStatusCode.Conflict)).Code);
        using (var late = await node.Master.PutAsync(UploadId.New(), new ByteArrayContent([1])))
            Assert.Equal(NodeRefusal.StaleEpoch, (await MasterVoice.RefusalAsync(late, HttpStatusCode.Conflict)).Code);

        node.Master.Epoch = 2;
        Assert.Equal(300_000, (await StateAsync(node)).Length);
        await AppendAsync(node, 300_000, _movie.Length - 300_000);
        Assert.Equal(Checksum.Of(_movie), (await CompleteAsync(node)).Checksum);
    }

    [Fact]
    public async Task Bytes_that_come_in_the_name_of_a_new_master_are_the_first_word_of_it()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        await OpenAsync(node);
        await AppendAsync(node, 0, 100_000);
        node.Master.Epoch = 2;
        await AppendAsync(node, 100_000, 200_000);
        node.Master.Epoch = 1;
        using var late = await SendAsync(node, 100_000, Checksum.Of(_movie.AsSpan(0, 100_000)), []);
        Assert.Equal(NodeRefusal.StaleEpoch, (await MasterVoice.RefusalAsync(late, HttpStatusCode.Conflict)).Code);
        Assert.Equal(300_000, new FileInfo(Bytes).Length);
    }

    [Fact]
    public async Task A_page_of_block_checksums_that_a_crash_tore_is_made_again_from_the_bytes()
    {
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            await OpenAsync(node);
            await AppendAsync(node, 0, 500_000);
        }

        BitRot.Flip(Bytes + ".blocks", 4096 + 5);
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            await AppendAsync(node, 500_000, _movie.Length - 500_000);
            await CompleteAsync(node);
            var replica = (await node.Master.SealAsync(WorkerNode.Describe(_movie, "torn.mp4", upload: _upload))).Report.Replica;
            Assert.True((await node.Master.VerifyAsync(replica.Version)).Valid);
        }
    }

    [Fact]
    public async Task Bytes_that_rotted_before_the_next_piece_are_noticed_by_it()
    {
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            await OpenAsync(node);
            await AppendAsync(node, 0, 70_000);
        }

        // In the block that is not whole yet, and of which no checksum is noted.
        BitRot.Flip(Bytes, 69_000);
        await using (var node = await WorkerNode.StartAsync(_directory.Path))
        {
            using var piece = await SendAsync(node, 70_000, Checksum.Of(_movie.AsSpan(0, 70_000)), [1]);
            await MasterVoice.RefusalAsync(piece, HttpStatusCode.Conflict);
        }
    }

    [Fact]
    public async Task A_piece_that_comes_anew_cuts_off_the_one_whose_connection_hangs()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        await OpenAsync(node);
        // More than what is gathered before it is written.
        var hanging = new PausedContent(new MovieBytes(5, 4_000_000), 3_000_000);
        var first = node.Master.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(_upload, 0, default, null), content: hanging);
        await hanging.Paused;
        await Eventually.TrueAsync(() => new FileInfo(Bytes).Length > 0, "bytes of the hanging piece are here", MdfsClient.Patience, Cancelled);
        await AppendAsync(node, 0, _movie.Length);
        hanging.GoOn();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => first);
        Assert.Equal(Checksum.Of(_movie), (await CompleteAsync(node)).Checksum);
    }

    [Fact]
    public async Task An_upload_is_discarded_in_any_state_and_its_room_is_free_again()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path, settings: new() { ["Mdfs:Worker:Capacity"] = "1000000" });
        foreach (var pieces in (int[])[0, 1, 2])
        {
            await OpenAsync(node);
            using (var again = await TryOpenAsync(node, UploadId.New())) await MasterVoice.RefusalAsync(again, HttpStatusCode.InsufficientStorage);
            if (pieces > 0) await AppendAsync(node, 0, _movie.Length);
            if (pieces > 1) await CompleteAsync(node);
            using (var dropped = await node.Master.DropAsync(_upload)) Assert.Equal(HttpStatusCode.NoContent, dropped.StatusCode);
            await Eventually.TrueAsync(() => !Directory.EnumerateFiles(_directory["incoming"]).Any(), "nothing is left", MdfsClient.Patience, Cancelled);
        }

        await OpenAsync(node);
    }

    [Fact]
    public async Task What_is_discarded_while_the_disk_is_away_goes_when_it_is_back()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var node = await WorkerNode.StartAsync(_directory.Path, master.Address);
        await OpenAsync(node);
        await AppendAsync(node, 0, 100_000);
        using (node.WithoutDisk())
        {
            using var dropped = await node.Master.DropAsync(_upload);
            Assert.Equal(HttpStatusCode.InternalServerError, dropped.StatusCode);
        }

        var number = master.Beats[^1].Number;
        await master.WaitForBeatAsync(beat => beat.Number > number + 1 && beat.Unfinished.Any(one => one.Upload == _upload), "the beats go on telling of it");
        master.Answer(reply => reply with { Orders = [new DiscardOrder(_upload)] });
        await Eventually.TrueAsync(() => !Directory.EnumerateFiles(_directory["incoming"]).Any(), "nothing is left", MdfsClient.Patience, Cancelled);
        await master.WaitForBeatAsync(beat => beat.Number > number + 1 && beat.Unfinished.Count == 0, "it is told of no more");
    }

    [Fact]
    public async Task An_upload_that_cannot_be_opened_leaves_nothing_and_is_opened_later()
    {
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        // The note cannot be written where there is a directory.
        Directory.CreateDirectory(Bytes + ".open.tmp");
        using (var failed = await TryOpenAsync(node, _upload)) Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        Assert.Empty(Directory.EnumerateFiles(_directory["incoming"]));
        Directory.Delete(Bytes + ".open.tmp");
        await OpenAsync(node);
        await AppendAsync(node, 0, _movie.Length);
        Assert.Equal(Checksum.Of(_movie), (await CompleteAsync(node)).Checksum);
    }

    [Fact]
    public async Task On_a_full_disk_it_is_completed_in_the_room_that_was_kept_for_that()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only there is a file that is always full (/dev/full).");
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        await OpenAsync(node);
        await AppendAsync(node, 0, _movie.Length);
        File.CreateSymbolicLink(Bytes + ".receipt.tmp", "/dev/full");
        Assert.Equal(Checksum.Of(_movie), (await CompleteAsync(node)).Checksum);
    }

    [Fact]
    public async Task Parts_are_joined_from_this_disk_and_from_another_node()
    {
        using var elsewhere = new TempDirectory();
        await using var here = await WorkerNode.StartAsync(_directory.Path);
        await using var there = await WorkerNode.StartAsync(elsewhere.Path);
        var (first, second) = (UploadId.New(), UploadId.New());
        const int Middle = 333_333;
        foreach (var (node, part, bytes) in (IEnumerable<(WorkerNode, UploadId, byte[])>)[(here, first, _movie[..Middle]), (there, second, _movie[Middle..])])
        {
            using (var opened = await TryOpenAsync(node, part)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
            using var appended = await node.Master.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(part, 0, default, null), content: new ByteArrayContent(bytes));
            Assert.Equal(HttpStatusCode.OK, appended.StatusCode);
        }

        await OpenAsync(here);
        var join = new JoinUpload(_movie.Length, Checksum.Of(_movie),
        [
            new UploadPart(first, Middle, Checksum.Of(_movie.AsSpan(0, Middle)), []),
            new UploadPart(second, _movie.Length - Middle, Checksum.Of(_movie.AsSpan(Middle)), [new PullSource(there.Id, "http://127.0.0.1:9"), new PullSource(there.Id, there.Address)]),
        ]);
        using (var other = await JoinAsync(here, join with { Checksum = new Checksum(1) })) await MasterVoice.RefusalAsync(other, HttpStatusCode.Conflict);
        using (var missing = await JoinAsync(here, join with { Parts = [join.Parts[0], join.Parts[1] with { Sources = [] }] })) await MasterVoice.RefusalAsync(missing, HttpStatusCode.ServiceUnavailable);
        foreach (var _ in (int[])[1, 2])
        {
            using var joined = await JoinAsync(here, join);
            Assert.Equal(_movie.Length, (await MasterVoice.ReadAsync(joined, WireJson.Default.PreparedReceipt)).Size);
        }

        var replica = (await here.Master.SealAsync(WorkerNode.Describe(_movie, "joined.mp4", upload: _upload))).Report.Replica;
        Assert.Equal(_movie, await here.Master.BytesAsync(replica.Version, 0, _movie.Length));
        Assert.True((await here.Master.VerifyAsync(replica.Version)).Valid);
    }

    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task Parts_share_their_blocks_with_the_whole_where_the_file_system_can(string kind)
    {
        using var disk = await LoopDisk.TryMakeAsync(kind);
        await using var node = await WorkerNode.StartAsync(Path.Combine(disk.Path, "data"));
        // The second part does not end with a block, nor with a step of the copying.
        byte[][] parts = [WorkerNode.Movie(17 << 20), WorkerNode.Movie((3 << 20) + 12_345, seed: 2)];
        byte[] movie = [.. parts[0], .. parts[1]];
        var ids = parts.Select(static _ => UploadId.New()).ToArray();
        for (var i = 0; i < parts.Length; i++)
        {
            using (var opened = await TryOpenAsync(node, ids[i], parts[i].Length)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
            using var appended = await node.Master.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(ids[i], 0, default, null), content: new ByteArrayContent(parts[i]));
            Assert.Equal(HttpStatusCode.OK, appended.StatusCode);
        }

        using (var opened = await TryOpenAsync(node, _upload, movie.Length)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        using (var joined = await JoinAsync(node, new JoinUpload(movie.Length, Checksum.Of(movie), [.. parts.Select((part, i) => new UploadPart(ids[i], part.Length, Checksum.Of(part), []))])))
            Assert.Equal(Checksum.Of(movie), (await MasterVoice.ReadAsync(joined, WireJson.Default.PreparedReceipt)).Checksum);
        var whole = Path.Combine(node.Directory, "incoming", _upload.Value);
        Assert.InRange(await LoopDisk.SharedBytesAsync(whole), movie.Length - 4096, movie.Length + 4096);

        // And the parts may go.
        foreach (var part in ids)
        {
            using var dropped = await node.Master.DropAsync(part);
            Assert.Equal(HttpStatusCode.NoContent, dropped.StatusCode);
        }

        // They go by way of the trash, which is emptied beside all else.
        await Eventually.TrueAsync(async () => await LoopDisk.SharedBytesAsync(whole) == 0, "nobody else has its blocks", MdfsClient.Patience, Cancelled);
        Assert.Equal(movie, await File.ReadAllBytesAsync(whole, Cancelled));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1_000_000L)]
    public async Task What_is_prepared_has_no_more_room_on_the_disk_than_it_fills(long? told)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Room is set aside on Linux alone.");
        await using var node = await WorkerNode.StartAsync(_directory.Path);
        var movie = WorkerNode.Movie(1_000_000);
        using (var opened = await node.Master.SendAsync(
            NodePurpose.Control, HttpMethod.Post, Routes.Worker.Uploads, JsonSerializer.SerializeToUtf8Bytes(new OpenUpload(_upload, told, Appendable: true), WireJson.Default.OpenUpload)))
            Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        using (var appended = await node.Master.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(_upload, 0, default, told), content: new ByteArrayContent(movie)))
            Assert.Equal(HttpStatusCode.OK, appended.StatusCode);
        using (var completed = await node.Master.SendAsync(
            NodePurpose.Control, HttpMethod.Post, Routes.Worker.CompletePath(_upload), JsonSerializer.SerializeToUtf8Bytes(new CompleteUpload(movie.Length, Checksum.Of(movie)), WireJson.Default.CompleteUpload)))
            Assert.Equal(HttpStatusCode.OK, completed.StatusCode);
        Assert.InRange(await BytesOnDiskAsync(Bytes), movie.Length / 2, movie.Length + (256 << 10));
        Assert.Equal(movie.Length, node.Services.GetRequiredService<SpaceAccount>().Measure().InFlight);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(500_000)]
    public async Task The_room_of_an_upload_counts_once_after_a_restart_too(int sent)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Room is set aside on Linux alone.");
        const long Large = 512L << 20;
        var before = 0L;
        foreach (var restarted in (bool[])[false, true])
        {
            await using var node = await WorkerNode.StartAsync(_directory.Path);
            if (!restarted)
            {
                using (var opened = await TryOpenAsync(node, _upload, Large)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
                using var appended = await node.Master.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(_upload, 0, default, Large), content: new ByteArrayContent(_movie[..sent]));
                Assert.Equal(HttpStatusCode.OK, appended.StatusCode);
            }

            // Others use the same disk.
            var space = node.Services.GetRequiredService<SpaceAccount>();
            var counted = space.Measure().Capacity - space.Disk.Free;
            if (restarted) Assert.InRange(counted, before - (Large / 4), before + (Large / 4));
            before = counted;
        }
    }

    private static async Task<long> BytesOnDiskAsync(string path)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        var blocks = await stat.StandardOutput.ReadToEndAsync(Cancelled);
        await stat.WaitForExitAsync(Cancelled);
        return long.Parse(blocks, System.Globalization.CultureInfo.InvariantCulture) * 512;
    }

    private Task<HttpResponseMessage> JoinAsync(WorkerNode node, JoinUpload join) => node.Master.SendAsync(
        NodePurpose.Control, HttpMethod.Post, Routes.Worker.JoinPath(_upload), JsonSerializer.SerializeToUtf8Bytes(join, WireJson.Default.JoinUpload));

    private Task<HttpResponseMessage> TryOpenAsync(WorkerNode node, UploadId upload, long? length = null) => node.Master.SendAsync(
        NodePurpose.Control, HttpMethod.Post, Routes.Worker.Uploads, JsonSerializer.SerializeToUtf8Bytes(new OpenUpload(upload, length ?? _movie.Length, Appendable: true), WireJson.Default.OpenUpload));

    private async Task OpenAsync(WorkerNode node)
    {
        using var opened = await TryOpenAsync(node, _upload);
        Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
    }

    private Task<HttpResponseMessage> SendAsync(WorkerNode node, long offset, Checksum before, byte[] bytes) =>
        node.Master.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(_upload, offset, before, _movie.Length), content: new ByteArrayContent(bytes));

    private async Task<AppendReceipt> AppendAsync(WorkerNode node, int offset, int length)
    {
        using var response = await SendAsync(node, offset, Checksum.Of(_movie.AsSpan(0, offset)), _movie[offset..(offset + length)]);
        return await MasterVoice.ReadAsync(response, WireJson.Default.AppendReceipt);
    }

    private async Task<AppendState> StateAsync(WorkerNode node)
    {
        using var response = await node.Master.SendAsync(NodePurpose.Control, HttpMethod.Get, Routes.Worker.UploadPath(_upload));
        return await MasterVoice.ReadAsync(response, WireJson.Default.AppendState);
    }

    private Task<HttpResponseMessage> TryCompleteAsync(WorkerNode node) => node.Master.SendAsync(
        NodePurpose.Control, HttpMethod.Post, Routes.Worker.CompletePath(_upload),
        JsonSerializer.SerializeToUtf8Bytes(new CompleteUpload(_movie.Length, Checksum.Of(_movie)), WireJson.Default.CompleteUpload));

    private async Task<PreparedReceipt> CompleteAsync(WorkerNode node)
    {
        using var response = await TryCompleteAsync(node);
        return await MasterVoice.ReadAsync(response, WireJson.Default.PreparedReceipt);
    }
}
