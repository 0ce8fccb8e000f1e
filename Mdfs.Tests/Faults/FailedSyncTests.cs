using System.Globalization;
using System.Net;
using System.Text.Json;
using Mdfs.Protocol;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Security;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.Tests.Campaign;
using Mdfs.Tests.Cluster;
using Mdfs.Tests.Support;
using Mdfs.Worker.Storage;

namespace Mdfs.Tests.Faults;

/// <summary>A worker whose disk does not take what was written: an fsync fails, with whatever error, and nobody may be told that it is stored.</summary>
public sealed class FailedSyncTests : IAsyncDisposable
{
    private const int InputOutput = 5;
    private const int Invalid = 22;
    private const int ReadOnly = 30;
    private const int NotSupported = 95;

    private readonly TempDirectory _directory = new();
    private readonly byte[] _movie = WorkerNode.Movie(700_001);
    private ServiceProcess? _process;
    private MasterVoice? _master;

    public async ValueTask DisposeAsync()
    {
        _master?.Dispose();
        if (_process is not null) await _process.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task What_could_not_be_fsynced_is_not_acknowledged_whatever_the_error()
    {
        await StartAsync("http://127.0.0.1:9");
        foreach (var error in (int[])[InputOutput, ReadOnly, Invalid, NotSupported]) await RefusedAsync(error, $"{error}.mp4", $"buried {error}.mp4");
    }

    private async Task RefusedAsync(int error, string name, string buried)
    {
        var (pieces, whole) = (UploadId.New(), UploadId.New());
        using (var opened = await _master!.SendAsync(NodePurpose.Control, HttpMethod.Post, Routes.Worker.Uploads, Bytes(new OpenUpload(pieces, _movie.Length, Appendable: true), WireJson.Default.OpenUpload)))
            Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        using (var opened = await _master.OpenAsync(whole, _movie.Length)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        var replica = WorkerNode.Describe(_movie, name);
        using (var opened = await _master.OpenAsync(replica.Upload, _movie.Length)) Assert.Equal(HttpStatusCode.NoContent, opened.StatusCode);
        using (var put = await _master.PutAsync(replica.Upload, new ByteArrayContent(_movie))) Assert.Equal(HttpStatusCode.OK, put.StatusCode);

        Fail(error, "/incoming/");
        using (var piece = await PatchAsync(pieces)) AssertRefused(piece);
        using (var put = await _master.PutAsync(whole, new ByteArrayContent(_movie))) AssertRefused(put);
        using (var refused = await _master.TrySealAsync(replica)) AssertRefused(refused);
        Fail(error, "/tombstones.log");
        var tombstone = Bytes(new Tombstone(FileName.Parse(buried), new MovieVersion(9), 1, DateTimeOffset.UnixEpoch), WireJson.Default.Tombstone);
        using (var answer = await _master.SendAsync(NodePurpose.Control, HttpMethod.Post, Routes.Worker.Tombstones, tombstone)) AssertRefused(answer);

        File.Delete(Trouble);
        using (var piece = await PatchAsync(pieces)) Assert.Equal(_movie.Length, (await MasterVoice.ReadAsync(piece, WireJson.Default.AppendReceipt)).Offset);
        Assert.Equal(replica, (await _master.SealAsync(replica)).Report.Replica);
        await _master.BuryAsync(FileName.Parse(buried), new MovieVersion(9));

        void AssertRefused(HttpResponseMessage answer) => Assert.True(answer.StatusCode == HttpStatusCode.InternalServerError, $"Error {error}: {answer.RequestMessage?.RequestUri} answers {answer.StatusCode}");
    }

    [Fact]
    public async Task A_copy_whose_flush_failed_keeps_nothing_to_go_on_from()
    {
        await using var master = await WorkerMasterDouble.StartAsync();
        await using var source = await WorkerNode.StartAsync(_directory["source"]);
        var replica = await source.StoreAsync(_movie);
        var order = new PullOrder(replica, [new PullSource(source.Id, source.Address)]);
        await StartAsync(master.Address);
        Fail(InputOutput, "/incoming/pull-");
        await master.WaitForBeatAsync(static _ => true, "a beat");
        master.Answer(reply => reply with { Orders = [order] });
        await master.WaitForBeatAsync(static beat => beat.FailedPulls.Count > 0, "it failed");
        // The system has given up the pages that it could not write, and reads them from memory as if they stood on the disk.
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(Data, "incoming"), "pull-*"));

        File.Delete(Trouble);
        master.Answer(reply => reply with { Orders = [order] });
        var told = await master.WaitForBeatAsync(static beat => beat.Changed.Count > 0, "the copy is told");
        Assert.Equal(new ReplicaReport(replica, false, true), told.Changed[0]);
        Assert.Equal(_movie, await _master!.BytesAsync(replica.Version, 0, _movie.Length));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Data => _directory["data"];

    private string Trouble => Path.Combine(_directory.Path, "trouble");

    // Whole or not at all: the process reads it whenever it syncs.
    private void Fail(int error, string part)
    {
        File.WriteAllText(Trouble + ".new", string.Create(CultureInfo.InvariantCulture, $"{error} {part}"));
        File.Move(Trouble + ".new", Trouble, overwrite: true);
    }

    private async Task StartAsync(string master)
    {
        var library = await UnkindSystem.CompileAsync(Cancelled);
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{TestPorts.Next()}");
        var settings = WorkerNode.Settings(Data, master);
        settings["urls"] = address;
        _process = ServiceProcess.Start("Mdfs.Worker", settings.Select(static one => KeyValuePair.Create(one.Key, one.Value!)), [new("LD_PRELOAD", library), new("UNKIND_SYNC", Trouble)]);
        using var client = new HttpClient { BaseAddress = new Uri(address) };
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.False(_process.HasExited, _process.Output);
                try
                {
                    using var alive = await client.GetAsync("/alive", Cancelled);
                    return alive.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the worker serves", MdfsClient.Patience, Cancelled);
        _master = new MasterVoice(address, JsonSerializer.Deserialize(await File.ReadAllBytesAsync(Path.Combine(Data, "node.json"), Cancelled), StorageJson.Default.NodeFacts)!.Node);
    }

    private Task<HttpResponseMessage> PatchAsync(UploadId upload) =>
        _master!.SendAsync(NodePurpose.Data, HttpMethod.Patch, Routes.Worker.AppendPath(upload, 0, default, _movie.Length), content: new ByteArrayContent(_movie));

    private static byte[] Bytes<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);
}
