using System.Net;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>Resumable uploads whose clients break off, hang, come twice or never again.</summary>
public sealed class ResumableUploadTests(ResumableUploadTests.Fixture shared) : IClassFixture<ResumableUploadTests.Fixture>
{
    private const int Size = 3 << 20;

    private static readonly MovieBytes _movie = new(21, Size);
    private static readonly byte[] _bytes = _movie.ToArray();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private MdfsClient Client => shared.Client;

    private TusClient Tus => new(shared.Client);

    // Kestrel throws away what it had read ahead, at most 1 MiB, when the end of the connection comes with it.
    private const int ReadAhead = 1 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(Size - 1)]
    public async Task What_was_read_before_a_connection_ended_is_kept(int sent)
    {
        var name = $"broken at {sent}.mp4";
        var upload = await Tus.CreateAsync(name, Size);
        using (var patch = await BrokenPatch.StartAsync(Client, upload, 0, Size, _bytes.AsMemory(0, sent)))
        {
            patch.EndWriting();
            await patch.ReadToEndAsync();
        }

        var offset = (int)await Tus.OffsetAsync(upload);
        Assert.InRange(offset, Math.Max(0, sent - ReadAhead), sent);
        Assert.Equal(Size, await Tus.AppendAsync(upload, offset, _bytes.AsMemory(offset)));
        await AssertStoredAsync(name);
    }

    [Fact]
    public async Task A_connection_that_is_reset_again_and_again_costs_nothing_that_was_acknowledged()
    {
        var upload = await Tus.CreateAsync("reset.mp4", Size);
        var (offset, random) = (0L, new Random(5));
        while (offset < Size)
        {
            var length = (int)Math.Min(Size - offset, random.Next(1, 1 << 20));
            if (offset + length == Size || random.Next(3) == 0)
            {
                Assert.Equal(offset + length, await Tus.AppendAsync(upload, offset, _bytes.AsMemory((int)offset, length)));
            }
            else
            {
                using var patch = await BrokenPatch.StartAsync(Client, upload, offset, Size - offset, _bytes.AsMemory((int)offset, length));
                patch.Cut();
            }

            // A reset may overtake what the kernel had not handed over, never what was told.
            var now = await Tus.OffsetAsync(upload);
            Assert.InRange(now, offset, offset + length);
            offset = now;
        }

        await AssertStoredAsync("reset.mp4");
    }

    [Fact]
    public async Task A_client_whose_body_cannot_be_read_hears_it_and_the_upload_goes_on()
    {
        var upload = await Tus.CreateAsync("short.mp4", Size);
        using var connection = await RawConnection.OpenAsync(Client.Master, Cancelled);
        await connection.WriteAsync(
            $"PATCH {upload} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {Client.Admin}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            + $"Content-Type: {TusClient.Octets}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\na\r\n", Cancelled);
        await connection.WriteAsync(_bytes.AsMemory(0, 10), Cancelled);
        await connection.WriteAsync("\r\nthis is no chunk\r\n", Cancelled);
        Assert.StartsWith("HTTP/1.1 400 ", await connection.ReadToEndAsync(Cancelled), StringComparison.Ordinal);
        var offset = await Tus.OffsetAsync(upload);
        Assert.InRange(offset, 0, 10);
        await Tus.AppendAsync(upload, offset, _bytes.AsMemory((int)offset));
        await AssertStoredAsync("short.mp4");
    }

    [Fact]
    public async Task A_newer_request_takes_over_from_one_that_hangs_and_finds_what_that_one_brought()
    {
        var upload = await Tus.CreateAsync("taken over.mp4", Size);
        using var hanging = await BrokenPatch.StartAsync(Client, upload, 0, Size, _bytes.AsMemory(0, 1 << 20));
        await ArrivedAsync(upload, 1 << 19);
        var offset = (int)await Tus.OffsetAsync(upload);
        Assert.InRange(offset, 1 << 19, 1 << 20);
        Assert.DoesNotContain("HTTP/1.1 2", await hanging.ReadToEndAsync());

        // Without asking first: it believes that nothing came.
        using var second = await BrokenPatch.StartAsync(Client, upload, offset, Size - offset, _bytes.AsMemory(offset, 1 << 20));
        await ArrivedAsync(upload, offset + (1 << 19));
        using (var third = await Tus.PatchAsync(upload, offset, _bytes.AsMemory(offset)))
        {
            Assert.Equal(HttpStatusCode.Conflict, third.StatusCode);
            var told = (int)TusClient.Number(third, "Upload-Offset")!.Value;
            Assert.InRange(told, offset + 1, offset + (1 << 20));
        }

        offset = (int)await Tus.OffsetAsync(upload);
        Assert.Equal(Size, await Tus.AppendAsync(upload, offset, _bytes.AsMemory(offset)));
        await AssertStoredAsync("taken over.mp4");
    }

    [Fact]
    public async Task An_older_request_does_not_suffer_from_one_that_asks_for_bytes_long_acknowledged()
    {
        var upload = await Tus.CreateAsync("undisturbed.mp4", Size);
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, 1 << 20));
        using var body = new StreamContent(new SlowStart(_bytes.AsMemory(1 << 20), out var go));
        var patch = Tus.PatchAsync(upload, 1 << 20, body);
        using (var late = await Tus.PatchAsync(upload, 0, _bytes)) Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        go();
        using (var answer = await patch) Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await AssertStoredAsync("undisturbed.mp4");
    }

    [Fact]
    public async Task Cancelling_cuts_off_the_request_that_is_under_way()
    {
        var upload = await Tus.CreateAsync("cancelled.mp4", Size);
        using var hanging = await BrokenPatch.StartAsync(Client, upload, 0, Size, _bytes.AsMemory(0, 1 << 20));
        await ArrivedAsync(upload, 1);
        using (var deleted = await Tus.SendAsync(HttpMethod.Delete, upload, null)) Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.DoesNotContain("HTTP/1.1 2", await hanging.ReadToEndAsync());
        using (var head = await Tus.HeadAsync(upload)) Assert.Equal(HttpStatusCode.Gone, head.StatusCode);
        await NothingLeftAsync(upload);
    }

    [Fact]
    public async Task A_piece_with_a_checksum_that_breaks_off_is_not_kept()
    {
        var upload = await Tus.CreateAsync("unchecked.mp4", Size);
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, 70_000));
        using (var patch = await BrokenPatch.StartAsync(Client, upload, 70_000, Size - 70_000, _bytes.AsMemory(70_000, 1 << 20), ("Upload-Checksum", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")))
        {
            await ArrivedAsync(upload, 70_001);
            patch.Cut();
        }

        Assert.Equal(70_000, await Tus.OffsetAsync(upload));
        Assert.Equal(Size, await Tus.AppendAsync(upload, 70_000, _bytes.AsMemory(70_000)));
        await AssertStoredAsync("unchecked.mp4");
    }

    [Fact]
    public async Task Of_two_uploads_of_one_name_the_one_that_is_finished_later_wins()
    {
        var other = new MovieBytes(22, 1000);
        var first = await Tus.CreateAsync("twice.mp4", Size);
        var second = await Tus.CreateAsync("twice.mp4", other.Length);
        await Tus.AppendAsync(first, 0, _bytes.AsMemory(0, 1 << 20));
        await Tus.AppendAsync(second, 0, other.ToArray());
        await Client.AssertHoldsAsync("twice.mp4", other, Cancelled);
        await Tus.AppendAsync(first, 1 << 20, _bytes.AsMemory(1 << 20));
        await Client.AssertHoldsAsync("twice.mp4", _movie, Cancelled);
        Assert.Equal(other.Length, await Tus.OffsetAsync(second));
    }

    [Theory]
    [InlineData("tus")]
    [InlineData("draft")]
    [InlineData("parts")]
    public async Task A_condition_that_was_told_at_the_beginning_is_judged_there_and_again_at_the_commit(string way)
    {
        var (name, theirs) = ($"under a condition {way}.mp4", new MovieBytes(23, 1000));
        var upload = await BeginAsync(("If-None-Match", "*"));
        Assert.Equal(HttpStatusCode.Created, upload.StatusCode);
        await Client.StoreAsync(name, theirs, Cancelled);
        var facts = (await Client.FactsAsync(name, Cancelled))!;
        using (var late = await EndAsync(upload))
        {
            Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
            var problem = await late.Content.ReadAsStringAsync(Cancelled);
            Assert.Contains("urn:mdfs:problem:precondition-failed", problem, StringComparison.Ordinal);
            Assert.Contains(facts.Version.ToString(System.Globalization.CultureInfo.InvariantCulture), problem, StringComparison.Ordinal);
        }

        await Client.AssertHoldsAsync(name, theirs, Cancelled);
        // It is over, and costs no room.
        if (way != "parts")
        {
            using (var head = await Tus.HeadAsync(upload.Headers.Location!.ToString())) Assert.Equal(HttpStatusCode.Gone, head.StatusCode);
            await NothingLeftAsync(upload.Headers.Location!.ToString());
            using var early = await BeginAsync(("If-None-Match", "*"));
            Assert.Equal(HttpStatusCode.PreconditionFailed, early.StatusCode);
            Assert.Null(early.Headers.Location);
        }

        using (var again = await EndAsync(await BeginAsync(("If-Match", facts.ETag)), ("If-Match", facts.ETag))) Assert.True(again.IsSuccessStatusCode, $"{(int)again.StatusCode}");
        await AssertStoredAsync(name);

        Task<HttpResponseMessage> BeginAsync((string, string?) condition) => way switch
        {
            "tus" => Tus.PostAsync(null, ("Upload-Length", $"{Size}"), ("Upload-Metadata", TusClient.Metadata(name)), condition),
            "draft" => Tus.PostAsync(new ByteArrayContent([]), ("Tus-Resumable", null), ("Upload-Complete", "?0"), ("Content-Disposition", $"attachment; filename=\"{name}\""), condition),
            _ => Tus.PostAsync(new ByteArrayContent(_bytes), ("Upload-Concat", "partial"), ("Upload-Length", $"{Size}"), ("Content-Type", TusClient.Octets)),
        };

        Task<HttpResponseMessage> EndAsync(HttpResponseMessage begun, params (string, string?)[] condition) => way switch
        {
            "tus" => Tus.PatchAsync(begun.Headers.Location!.ToString(), 0, _bytes),
            "draft" => Tus.SendAsync(
                HttpMethod.Patch, begun.Headers.Location!.ToString(), new ByteArrayContent(_bytes), ("Tus-Resumable", null), ("Upload-Complete", "?1"), ("Upload-Offset", "0"), ("Content-Type", "application/partial-upload")),
            // Begun with the request that joins them.
            _ => Tus.PostAsync(null, [("Upload-Concat", $"final;{begun.Headers.Location}"), ("Upload-Metadata", TusClient.Metadata(name)), .. condition.DefaultIfEmpty(("If-None-Match", "*"))]),
        };
    }

    [Fact]
    public async Task A_part_takes_no_condition_and_that_of_a_whole_does_not_change()
    {
        using (var part = await Tus.PostAsync(null, ("Upload-Concat", "partial"), ("Upload-Length", "1"), ("If-None-Match", "*"))) await RefusedAsync(part, "bad-upload-header");
        using var begun = await Tus.PostAsync(new ByteArrayContent(_bytes), ("Upload-Concat", "partial"), ("Upload-Length", $"{Size}"), ("Content-Type", TusClient.Octets));
        using (var whole = await JoinAsync("*")) Assert.Equal(HttpStatusCode.Created, whole.StatusCode);
        // Its answer was lost: the movie that is there by now is the one it has made itself.
        using (var whole = await JoinAsync("*")) Assert.Equal(HttpStatusCode.Created, whole.StatusCode);
        using (var whole = await JoinAsync("\"1\"")) await RefusedAsync(whole, "bad-parameter");

        Task<HttpResponseMessage> JoinAsync(string known) => Tus.PostAsync(
            null, ("Upload-Concat", $"final;{begun.Headers.Location}"), ("Upload-Metadata", TusClient.Metadata("joined under a condition.mp4")), ("If-None-Match", known));
    }

    private static string Crc => System.IO.Hashing.Crc32.HashToUInt32(_bytes).ToString("x8", System.Globalization.CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_checksum_of_the_whole_that_was_told_at_the_beginning_is_checked_at_the_end(bool agrees)
    {
        var name = $"expected {agrees}.mp4";
        var upload = await Tus.CreateAsync(name, Size, ("X-Mdfs-Checksum", agrees ? Crc : "00000000"));
        await Tus.AppendAsync(upload, 0, _bytes.AsMemory(0, 1 << 20));
        await EndsAsync(await Tus.PatchAsync(upload, 1 << 20, _bytes.AsMemory(1 << 20)), upload, name, agrees);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task So_is_the_one_that_a_later_piece_tells(bool agrees)
    {
        var name = $"expected later {agrees}.mp4";
        var upload = await Tus.CreateAsync(name, Size);
        await EndsAsync(await Tus.PatchAsync(upload, 0, _bytes, ("X-Mdfs-Checksum", agrees ? Crc : "00000000")), upload, name, agrees);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task And_that_of_parts_that_are_joined(bool agrees)
    {
        var name = $"expected joined {agrees}.mp4";
        using var part = await Tus.PostAsync(new ByteArrayContent(_bytes), ("Upload-Concat", "partial"), ("Upload-Length", $"{Size}"), ("Content-Type", TusClient.Octets));
        var joined = await Tus.PostAsync(null, ("Upload-Concat", $"final;{part.Headers.Location}"), ("Upload-Metadata", TusClient.Metadata(name)), ("X-Mdfs-Checksum", agrees ? Crc : "00000000"));
        await EndsAsync(joined, joined.Headers.Location!.ToString(), name, agrees);
    }

    [Theory]
    [InlineData("X-Mdfs-Checksum", "no checksum", "bad-parameter")]
    [InlineData("Repr-Digest", "sha-256=:AAAA:", "bad-parameter")]
    [InlineData("Repr-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:", "digest-not-checked")]
    public async Task What_cannot_be_checked_at_the_end_is_refused_at_the_beginning(string header, string value, string problem)
    {
        using (var tus = await Tus.PostAsync(null, ("Upload-Length", "1"), ("Upload-Metadata", TusClient.Metadata("unchecked.mp4")), (header, value))) await RefusedAsync(tus, problem);
        using (var draft = await DraftAsync("unchecked.mp4", (header, value))) await RefusedAsync(draft, problem);
        var upload = await Tus.CreateAsync("unchecked.mp4", Size, ("X-Mdfs-Checksum", Crc));
        using (var patch = await Tus.PatchAsync(upload, 0, _bytes, (header, value))) await RefusedAsync(patch, problem);
        // Nor does it change on the way.
        using (var patch = await Tus.PatchAsync(upload, 0, _bytes, ("X-Mdfs-Checksum", "00000000"))) await RefusedAsync(patch, "bad-parameter");
        await Tus.AppendAsync(upload, 0, _bytes);
    }

    [Fact]
    public async Task The_drafts_uploads_are_checked_as_well()
    {
        using (var wrong = await DraftAsync("draft wrong.mp4", ("X-Mdfs-Checksum", "00000000"))) Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.StatusCode);
        Assert.Null(await Client.FactsAsync("draft wrong.mp4", Cancelled));
        using (var right = await DraftAsync("draft right.mp4", ("X-Mdfs-Checksum", Crc))) Assert.Equal(HttpStatusCode.Created, right.StatusCode);
        await AssertStoredAsync("draft right.mp4");
    }

    private Task<HttpResponseMessage> DraftAsync(string name, (string Name, string Value) header) => Tus.PostAsync(
        new ByteArrayContent(_bytes), ("Tus-Resumable", null), ("Upload-Complete", "?1"), ("Content-Disposition", $"attachment; filename=\"{name}\""), (header.Name, header.Value));

    private static async Task RefusedAsync(HttpResponseMessage answer, string problem)
    {
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains($"urn:mdfs:problem:{problem}", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    private async Task EndsAsync(HttpResponseMessage answer, string upload, string name, bool agrees)
    {
        using (answer)
        {
            if (agrees)
            {
                Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode}");
                await AssertStoredAsync(name);
                return;
            }

            Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        }

        Assert.Null(await Client.FactsAsync(name, Cancelled));
        // No piece could mend it.
        using (var head = await Tus.HeadAsync(upload)) Assert.Equal(HttpStatusCode.Gone, head.StatusCode);
        await NothingLeftAsync(upload);
    }

    [Fact]
    public async Task Addresses_of_parts_that_could_not_be_told_again_are_refused_and_the_part_stays()
    {
        using var part = await Tus.PostAsync(new ByteArrayContent(_bytes), ("Upload-Concat", "partial"), ("Upload-Length", $"{Size}"), ("Content-Type", TusClient.Octets));
        using (var connection = await RawConnection.OpenAsync(Client.Master, Cancelled))
        {
            await connection.WriteAsync(
                $"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {Client.Admin}\r\nTus-Resumable: 1.0.0\r\nUpload-Metadata: {TusClient.Metadata("told again.mp4")}\r\n"
                + $"Upload-Concat: final;http://m\u00fcnchen.example{part.Headers.Location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", Cancelled);
            var answer = await connection.ReadToEndAsync(Cancelled);
            Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
            Assert.Contains("bad-upload-header", answer, StringComparison.Ordinal);
        }

        Assert.Equal(Size, await Tus.OffsetAsync(part.Headers.Location!.ToString()));
    }

    [Fact]
    public async Task Metrics_tell_of_uploads_that_are_open_and_that_went_on()
    {
        var before = await Client.MetricAsync("mdfs_resumable_uploads_open", Cancelled);
        var upload = await Tus.CreateAsync("counted.mp4", Size);
        Assert.Equal(before + 1, await Client.MetricAsync("mdfs_resumable_uploads_open", Cancelled));
        using (var patch = await BrokenPatch.StartAsync(Client, upload, 0, Size, _bytes.AsMemory(0, 1 << 20)))
        {
            await ArrivedAsync(upload, 1);
            patch.Cut();
        }

        var offset = await Tus.OffsetAsync(upload);
        await Tus.AppendAsync(upload, offset, _bytes.AsMemory((int)offset));
        Assert.Equal(before, await Client.MetricAsync("mdfs_resumable_uploads_open", Cancelled));
        var metrics = await Client.Http.GetStringAsync("metrics", Cancelled);
        Assert.Matches("mdfs_resumable_resumed_total[^\n]* [1-9]", metrics);
        Assert.Matches("mdfs_resumable_uploads_total\\{[^\n]*outcome=\"completed\"[^\n]* [1-9]", metrics);
        Assert.Matches("mdfs_resumable_bytes[^\n]* [1-9]", metrics);
        // It was committed, by a transaction.
        foreach (var duration in (string[])["mdfs_commit_duration_seconds", "mdfs_redis_transaction_duration_seconds"])
        {
            Assert.Matches($"{duration}_count[^\n]* [1-9]", metrics);
            Assert.Contains($"# TYPE {duration} histogram", metrics, StringComparison.Ordinal);
        }
    }

    /// <summary>So many bytes lie on a worker's disk.</summary>
    private Task ArrivedAsync(string upload, long bytes) => Eventually.TrueAsync(
        () => shared.Incoming().Any(file => Path.GetFileName(file) == upload[^32..] && new FileInfo(file).Length >= bytes), $"{bytes} bytes have arrived", MdfsClient.Patience, Cancelled);

    private Task NothingLeftAsync(string upload) =>
        Eventually.TrueAsync(() => !shared.Incoming().Any(file => file.Contains(upload[^32..], StringComparison.Ordinal)), "nothing is left of the upload", MdfsClient.Patience, Cancelled);

    private async Task AssertStoredAsync(string name)
    {
        await Client.AssertHoldsAsync(name, _movie, Cancelled);
        Assert.Equal([true, true], (await Client.VerifyAsync(name, Cancelled)).Select(verdict => verdict.Valid));
    }

    /// <summary>Bytes that can be read only after somebody says so.</summary>
    private sealed class SlowStart : MemoryStream
    {
        private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SlowStart(ReadOnlyMemory<byte> bytes, out Action go)
            : base(bytes.ToArray()) => go = () => _go.TrySetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _go.Task.WaitAsync(cancellationToken);
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }

    public sealed class Fixture : SharedCluster
    {
        // Small enough for a piece to end in the middle of every movie here.
        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:UploadCheckpointBytes", "300000")];
    }
}

/// <summary>Resumable uploads that nobody goes on with.</summary>
public sealed class ResumableUploadExpiryTests(ResumableUploadExpiryTests.Fixture shared) : IClassFixture<ResumableUploadExpiryTests.Fixture>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_abandoned_upload_is_removed_everywhere_and_one_that_is_gone_on_with_is_not()
    {
        var tus = new TusClient(shared.Client);
        var movie = new MovieBytes(23, 200_000);
        var bytes = movie.ToArray();
        var abandoned = await tus.CreateAsync("abandoned.mp4", movie.Length);
        await tus.AppendAsync(abandoned, 0, bytes.AsMemory(0, 100_000));
        var never = await tus.CreateAsync("never begun.mp4", movie.Length);
        var alive = await tus.CreateAsync("alive.mp4", movie.Length);
        var offset = 0L;
        await Eventually.TrueAsync(
            async () =>
            {
                offset = await tus.AppendAsync(alive, offset, bytes.AsMemory((int)offset, 100));
                return await GoneAsync(abandoned) && await GoneAsync(never);
            },
            "the abandoned uploads are gone", MdfsClient.Patience, Cancelled);
        await tus.AppendAsync(alive, offset, bytes.AsMemory((int)offset));
        await shared.Client.AssertHoldsAsync("alive.mp4", movie, Cancelled);
        await Eventually.TrueAsync(() => !shared.Incoming().Any(), "nothing is left on the workers", MdfsClient.Patience, Cancelled);
        await Eventually.TrueAsync(async () => await GoneAsync(alive), "the note of the finished one is gone too", MdfsClient.Patience, Cancelled);
        await shared.Client.AssertHoldsAsync("alive.mp4", movie, Cancelled);
        Assert.Matches("mdfs_resumable_uploads_total\\{[^\n]*outcome=\"expired\"[^\n]* 2", await shared.Client.Http.GetStringAsync("metrics", Cancelled));

        async Task<bool> GoneAsync(string upload)
        {
            using var head = await tus.HeadAsync(upload);
            return head.StatusCode == HttpStatusCode.Gone;
        }
    }

    public sealed class Fixture : SharedCluster
    {
        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:UploadExpiry", "00:00:03")];
    }
}
