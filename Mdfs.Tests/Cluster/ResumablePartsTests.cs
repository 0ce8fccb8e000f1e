using System.Net;
using Mdfs.Master.Uploads;
using Mdfs.Protocol.Checksums;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Mdfs.Tests.Cluster;

/// <summary>Parts of an upload that are joined while somebody else is at work on them, or on the same.</summary>
public sealed class ResumablePartsTests(ResumablePartsTests.Fixture shared) : IClassFixture<ResumablePartsTests.Fixture>
{
    private const int Size = 300_000;
    private const int Half = Size / 2;

    private static readonly MovieBytes _movie = new(41, Size);
    private static readonly byte[] _bytes = _movie.ToArray();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private TusClient Tus => new(shared.Cluster.Client);

    [Fact]
    public async Task Joining_does_not_set_back_a_part_that_is_being_sent()
    {
        var address = await BeginPartAsync(Size);
        await Tus.AppendAsync(address, 0, _bytes.AsMemory(0, 100_000));
        var services = shared.Cluster.Cluster.Master.Services;
        var part = services.GetRequiredService<ResumableUploads>().Find(Id(address))!;
        // One of its workers has lost it, so that whoever asks them has something to note.
        await shared.Cluster.Workers[0].Services.GetRequiredService<AppendStore>().DiscardAsync(part.Id);
        part.Met = false;

        Task<HttpResponseMessage> joining;
        using (var turn = await part.EnterAsync(MdfsClient.Patience, Cancelled))
        {
            var asked = shared.Gate.Close();
            joining = JoinAsync("set back.mp4", address);
            await Task.WhenAny(asked, CutOffAsync(turn!.CutOff)).WaitAsync(MdfsClient.Patience, Cancelled);
            part.Met = true;
            var piece = new Piece(100_000, null, new MemoryStream(_bytes, 100_000, 100_000), 100_000, null);
            Assert.IsType<AppendResult.Appended>(await services.GetRequiredService<AppendToUpload>().RunAsync(part, piece, turn with { CutOff = Cancelled }, Cancelled));
            part.Met = false;
            shared.Gate.Open();
        }

        using (var early = await joining) Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        Assert.Equal(200_000, await Tus.OffsetAsync(address));
        await Tus.AppendAsync(address, 200_000, _bytes.AsMemory(200_000));
        using (var joined = await JoinAsync("set back.mp4", address)) Assert.Equal(HttpStatusCode.Created, joined.StatusCode);
        await shared.Cluster.Client.AssertHoldsAsync("set back.mp4", _movie, Cancelled);
    }

    [Fact]
    public async Task Whoever_asks_twice_at_once_for_the_same_whole_gets_one()
    {
        string[] parts = [await StorePartAsync(0, Half), await StorePartAsync(Half, Size)];
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => JoinAsync("asked twice.mp4", parts)));
        Assert.Equal(Enumerable.Repeat(HttpStatusCode.Created, 4), answers.Select(answer => answer.StatusCode));
        Assert.Single(answers.Select(answer => answer.Headers.Location!.ToString()).Distinct());
        foreach (var answer in answers) answer.Dispose();
        await shared.Cluster.Client.AssertHoldsAsync("asked twice.mp4", _movie, Cancelled);
        await Eventually.TrueAsync(() => parts.All(part => !shared.Incoming().Any(file => file.Contains(part[^32..], StringComparison.Ordinal))), "the parts are used up", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task What_was_begun_of_parts_that_have_gone_is_over_at_once()
    {
        string[] parts = [await StorePartAsync(0, Half), await StorePartAsync(Half, Size)];
        var services = shared.Cluster.Cluster.Master.Services;
        // As a request does that is overtaken between two looks at its parts.
        var (begun, _) = await services.GetRequiredService<CreateUpload>().RunAsync(
            new NewUpload(FileName.Parse("overtaken.mp4"), Size, TusClient.Metadata("overtaken.mp4"), "final;" + string.Join(' ', parts)), Cancelled);
        using (var deleted = await Tus.SendAsync(HttpMethod.Delete, parts[0], null)) Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using (var joined = await JoinAsync("overtaken.mp4", parts)) Assert.Equal(HttpStatusCode.BadRequest, joined.StatusCode);
        Assert.True(services.GetRequiredService<ResumableUploads>().WasEnded(begun!.Id));
    }

    [Fact]
    public async Task A_part_that_is_not_what_its_client_said_is_joined_with_nothing()
    {
        string[] parts = [await StorePartAsync(0, Half), await StorePartAsync(Half, Size)];
        var part = shared.Cluster.Cluster.Master.Services.GetRequiredService<ResumableUploads>().Find(Id(parts[1]))!;
        // As when Redis was away while it was to be removed for that.
        part.Record = part.Record with { Expected = new Checksum(part.Record.Checksum.Value ^ 1) };
        using (var joined = await JoinAsync("not as said.mp4", parts))
        {
            Assert.Equal(HttpStatusCode.UnprocessableEntity, joined.StatusCode);
            Assert.Contains("checksum-mismatch", await joined.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        }

        Assert.True(part.Ended);
        Assert.Null(await shared.Cluster.Client.FactsAsync("not as said.mp4", Cancelled));
    }

    private static UploadId Id(string address) => UploadId.TryParse(address[^32..], out var id) ? id : throw new FormatException(address);

    private static Task CutOffAsync(CancellationToken cutOff)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cutOff.Register(done.SetResult);
        return done.Task;
    }

    private async Task<string> BeginPartAsync(int length)
    {
        using var created = await Tus.PostAsync(null, ("Upload-Concat", "partial"), ("Upload-Length", $"{length}"));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        return created.Headers.Location!.ToString();
    }

    private async Task<string> StorePartAsync(int from, int to)
    {
        var part = await BeginPartAsync(to - from);
        await Tus.AppendAsync(part, 0, _bytes.AsMemory(from..to));
        return part;
    }

    private Task<HttpResponseMessage> JoinAsync(string name, params string[] parts) =>
        Tus.PostAsync(null, ("Upload-Concat", "final;" + string.Join(' ', parts)), ("Upload-Metadata", TusClient.Metadata(name)));

    public sealed class Fixture : IAsyncLifetime
    {
        public TestCluster Cluster { get; private set; } = null!;

        public LateAnswers Gate { get; } = new();

        public async ValueTask InitializeAsync() => Cluster = await TestCluster.StartAsync(
            TestContext.Current.CancellationToken, 2, (_, builder) => builder.Services.AddSingleton<IStartupFilter>(Gate), [("Mdfs:Master:IdleTimeout", "00:01:00"), ("Mdfs:Worker:IdleTimeout", "00:01:00")]);

        public IEnumerable<string> Incoming() => Cluster.Workers.SelectMany(worker => Directory.EnumerateFiles(Path.Combine(Cluster.Cluster.WorkerDirectory(worker), "incoming")));

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }

    /// <summary>Workers that are slow to say what they have of an upload, while they are told to.</summary>
    public sealed class LateAnswers : IStartupFilter
    {
        private volatile TaskCompletionSource? _asked;
        private TaskCompletionSource _open = new();

        /// <summary>Ends when the first is asked.</summary>
        public Task Close()
        {
            _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return (_asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        public void Open()
        {
            _asked = null;
            _open.TrySetResult();
        }

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, go) =>
            {
                if (_asked is { } asked && HttpMethods.IsGet(context.Request.Method) && context.Request.Path.StartsWithSegments("/internal/uploads"))
                {
                    asked.TrySetResult();
                    await _open.Task;
                }

                await go(context);
            });
            next(app);
        };
    }
}

/// <summary>Parts of an upload that are sent one after the other, for longer than a part waits by itself.</summary>
public sealed class ResumablePartsExpiryTests(ResumablePartsExpiryTests.Fixture shared) : IClassFixture<ResumablePartsExpiryTests.Fixture>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_part_that_is_whole_waits_for_the_others_while_they_are_sent_and_for_whoever_asks_for_it()
    {
        var tus = new TusClient(shared.Client);
        var movie = new MovieBytes(42, 200_000);
        var bytes = movie.ToArray();
        var first = await BeginAsync(100_000);
        var second = await BeginAsync(100_000);
        await tus.AppendAsync(first, 0, bytes.AsMemory(0, 100_000));
        // As long a time without a word about the first part as ends an upload.
        var abandoned = await tus.CreateAsync("abandoned.mp4", 1000);
        var offset = 0L;
        await Eventually.TrueAsync(
            async () =>
            {
                offset = await tus.AppendAsync(second, offset, bytes.AsMemory(100_000 + (int)offset, 100));
                return await GoneAsync(abandoned);
            },
            "an abandoned upload is gone", MdfsClient.Patience, Cancelled);
        await tus.AppendAsync(second, offset, bytes.AsMemory(100_000 + (int)offset));

        // Both are whole, and nothing more is sent: asking keeps them.
        abandoned = await tus.CreateAsync("abandoned.mp4", 1000);
        await Eventually.TrueAsync(
            async () =>
            {
                foreach (var part in (string[])[first, second]) Assert.Equal(100_000, await tus.OffsetAsync(part));
                return await GoneAsync(abandoned);
            },
            "an abandoned upload is gone", MdfsClient.Patience, Cancelled);
        using (var joined = await tus.PostAsync(null, ("Upload-Concat", $"final;{first} {second}"), ("Upload-Metadata", TusClient.Metadata("patient.mp4")))) Assert.Equal(HttpStatusCode.Created, joined.StatusCode);
        await shared.Client.AssertHoldsAsync("patient.mp4", movie, Cancelled);

        async Task<bool> GoneAsync(string upload)
        {
            using var head = await tus.HeadAsync(upload);
            return head.StatusCode == HttpStatusCode.Gone;
        }

        async Task<string> BeginAsync(int length)
        {
            using var created = await tus.PostAsync(null, ("Upload-Concat", "partial"), ("Upload-Length", $"{length}"));
            return created.Headers.Location!.ToString();
        }
    }

    public sealed class Fixture : SharedCluster
    {
        protected override IEnumerable<(string Key, string Value)> Settings => [("Mdfs:Master:UploadExpiry", "00:00:03")];
    }
}
