using System.Net;
using Mdfs.Master.Catalog;
using Mdfs.Master.Catalog.Store;
using Mdfs.Tests.Support;
using StackExchange.Redis;

namespace Mdfs.Tests.Cluster;

/// <summary>Resumable uploads in a Redis that went back, and goes away again before all is written into it.</summary>
public sealed class ResumableRestoreTests : OwnRedis
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_is_written_back_although_Redis_went_away_before_it_was()
    {
        await using var proxy = new RedisProxy(Redis.Port);
        await using var rig = await MasterRig.StartAtAsync(
            $"127.0.0.1:{proxy.Port}", null, ("Mdfs:Master:HealthCheckInterval", "00:00:00.1"), ("Mdfs:Master:CommitWait", "00:00:00.1"));
        var session = rig.Get<CatalogSession>();
        await Eventually.TrueAsync(BeginAsync, "an upload is begun", MdfsClient.Patience, Cancelled);
        await using var connection = await ConnectionMultiplexer.ConnectAsync(Redis.ConnectionString + ",allowAdmin=true");
        Assert.Equal(1, await WrittenAsync());

        // The catalog is written back, and not one thing more.
        proxy.AtNextExec(OnExecAsync);
        await connection.GetServers().Single().FlushAllDatabasesAsync();
        await Eventually.TrueAsync(() => session.Restores > 0 && session.Health.State == StoreState.Unreachable, "Redis is away again", MdfsClient.Patience, Cancelled);
        proxy.Accept();
        await Eventually.TrueAsync(async () => await WrittenAsync() == 1, "the upload is written back", MdfsClient.Patience, Cancelled);

        Task<ExecFate> OnExecAsync()
        {
            if (session.Restores == 0)
            {
                proxy.AtNextExec(OnExecAsync);
                return Task.FromResult(ExecFate.Forward);
            }

            proxy.Refuse();
            return Task.FromResult(ExecFate.Cut);
        }

        async Task<bool> BeginAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/uploads");
            foreach (var (name, value) in (IEnumerable<(string, string)>)[("Tus-Resumable", "1.0.0"), ("Upload-Defer-Length", "1"), ("Upload-Metadata", TusClient.Metadata("film.mp4"))]) request.Headers.Add(name, value);
            using var answer = await rig.Admin.SendAsync(request, Cancelled);
            return answer.StatusCode == HttpStatusCode.Created;
        }

        Task<long> WrittenAsync() => connection.GetDatabase().HashLengthAsync("mdfs:uploads");
    }
}
