using System.IO.Pipelines;
using Mdfs.Gateway.Sources;
using Mdfs.Gateway.Streams;
using Mdfs.Master.Transfer;
using Mdfs.Protocol.Names;
using Mdfs.Protocol.Versions;
using Mdfs.Protocol.Wire;
using Mdfs.ServiceDefaults.Output;
using Mdfs.Tests.Support;
using Mdfs.Worker;
using Mdfs.Worker.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Mdfs.Tests.Cluster;

/// <summary>The master's transfer room and real workers on real disks; nobody beats, so that nothing but transfers happens.</summary>
public sealed class TransferRealWorkerTests : IDisposable
{
    private readonly CancellationToken _test = TestContext.Current.CancellationToken;
    private readonly TempDirectory _disk = new();

    public void Dispose() => _disk.Dispose();

    [Fact]
    public async Task A_movie_goes_up_to_two_workers_is_sealed_read_verified_and_buried()
    {
        await using var rig = new TransferRig();
        await using var a = await StartAsync("a");
        await using var b = await StartAsync("b");
        WorkerAddress[] workers = [AddressOf(a), AddressOf(b)];
        var movie = TransferRig.Movie(5_000_017);
        var replica = await StoreAsync(rig, movie, workers);

        foreach (var worker in workers)
        {
            Assert.Equal(0, await ReadAsync(rig, replica.Version, movie, 65_535, 3_000_000, worker));
            var verified = await rig.Workers.VerifyAsync(worker, replica.Version, replica.Size, _test);
            Assert.True(verified is { Succeeded: true, Value: { Valid: true, DamagedBlocks: 0 } }, $"{verified}");
            Assert.Equal(replica.Checksum, verified.Value.Checksum);
            var buried = await rig.Workers.BuryAsync(worker, new Tombstone(replica.Name, replica.Version, 0, DateTimeOffset.UnixEpoch), _test);
            Assert.True(buried.Succeeded, $"{buried}");
            Assert.Equal([replica.Version], buried.Value.Removed);
        }
    }

    [Fact]
    public async Task Reading_goes_on_at_the_next_worker_when_the_first_finds_a_bad_block_midway_or_is_gone()
    {
        await using var rig = new TransferRig();
        await using var a = await StartAsync("a");
        await using var b = await StartAsync("b");
        WorkerAddress[] workers = [AddressOf(a), AddressOf(b)];
        var movie = TransferRig.Movie(5_000_017);
        var replica = await StoreAsync(rig, movie, workers);

        var path = Directory.EnumerateFiles(_disk["a"], $"{replica.Version}", SearchOption.AllDirectories).Single();
        BitRot.Flip(path, 3_000_000);
        Assert.Equal(1, await ReadAsync(rig, replica.Version, movie, 0, movie.Length, workers));

        await a.StopAsync(new CancellationToken(canceled: true));
        await using var forgetful = new TransferRig();
        Assert.Equal(1, await ReadAsync(forgetful, replica.Version, movie, 0, movie.Length, workers));
    }

    private async Task<WebApplication> StartAsync(string name)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Mdfs:ClusterKey"] = TransferFarSide.ClusterKey,
            ["Mdfs:Worker:DataDirectory"] = _disk[name],
            ["Mdfs:Worker:ReservedBytes"] = "0",
            ["services:master:http:0"] = "http://127.0.0.1:1",
        });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddMdfsWorker();
        var app = builder.Build();
        app.MapMdfsWorker();
        await app.StartAsync(_test);
        return app;
    }

    private static WorkerAddress AddressOf(WebApplication worker) => new(worker.Services.GetRequiredService<NodeMemory>().Id, worker.Urls.Single());

    private async Task<ReplicaDescription> StoreAsync(TransferRig rig, byte[] movie, WorkerAddress[] workers)
    {
        var upload = UploadId.New();
        var opened = await rig.Opening.OpenAsync(upload, movie.Length, 2, workers, _test);
        Assert.Empty(opened.Failed);
        var sent = await rig.FanOut.SendAsync(upload, new TransferBody(movie), movie.Length, opened.Opened, false, _test);
        Assert.Equal(2, sent.Receipts.Count);

        var replica = new ReplicaDescription(
            FileName.Parse("Metropolis.mkv"), new MovieVersion(1_700_000_000_000_000), sent.Size, sent.Checksum, DateTimeOffset.UnixEpoch, upload, NodeId.New().Value);
        foreach (var worker in workers)
        {
            var answer = await rig.Workers.SealAsync(worker, replica, _test);
            Assert.True(answer.Succeeded, $"{answer}");
        }
        return replica;
    }

    /// <returns>How many sources failed on the way.</returns>
    private async Task<int> ReadAsync(TransferRig rig, MovieVersion version, byte[] movie, int from, int length, params WorkerAddress[] workers)
    {
        using var kept = new MemoryStream();
        var writer = PipeWriter.Create(kept, new StreamPipeWriterOptions(leaveOpen: true));
        using var output = BodyOutput.Over(writer);
        var result = await rig.Reader.CopyAsync(version, from, length, SourceLists.Known(() => [.. workers]), output, _test);
        await writer.CompleteAsync();
        Assert.Equal(CopyOutcome.Completed, result.Outcome);
        Assert.True(movie.AsSpan(from, length).SequenceEqual(kept.ToArray()));
        return result.Failures.Count;
    }
}
