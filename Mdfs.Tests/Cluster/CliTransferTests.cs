using System.Diagnostics;
using System.Text;
using Mdfs.Protocol.Checksums;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>The command line when something breaks in the middle, and when a library is taken over.</summary>
public sealed class CliTransferTests(SharedCluster shared) : IClassFixture<SharedCluster>, IDisposable
{
    private const long Size = 24 << 20;

    private readonly TempDirectory _temp = new();
    private readonly List<MdfsCommand> _commands = [];

    private MdfsClient Client => shared.Client;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _commands.ForEach(static command => command.Dispose());
        _temp.Dispose();
    }

    [Fact]
    public async Task A_fetch_that_was_killed_in_the_middle_goes_on_where_it_stopped()
    {
        var movie = new MovieBytes(20, Size);
        await Client.StoreAsync("killed fetch.mp4", movie, Cancelled);
        await using (var line = new WeakLine(Client.Master).HoldsAfter(down: Size / 2))
        {
            var process = At(line.Url).Start("get", "killed fetch.mp4");
            await line.Failed.WaitAsync(MdfsClient.Patience, Cancelled);
            await Eventually.TrueAsync(() => new FileInfo(_temp["killed fetch.mp4.part"]) is { Exists: true, Length: > Size / 3 }, "bytes on disk", MdfsClient.Patience, Cancelled);
            process.Kill();
            await process.WaitForExitAsync(Cancelled);
        }

        Assert.False(File.Exists(_temp["killed fetch.mp4"]));
        await using var rest = new WeakLine(Client.Master);
        (await At(rest.Url).RunAsync("get", "killed fetch.mp4")).AssertEnded(0);
        Assert.InRange(rest.Down, 1, Size * 3 / 4);
        Assert.Equal(movie.Hash, MovieBytes.HashOfFile(_temp["killed fetch.mp4"]));
        Assert.Equal(["killed fetch.mp4"], Directory.EnumerateFiles(_temp.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_longest_names_go_in_and_come_out()
    {
        // All alike but for the end, so that what is written beside them could be taken for one another; in letters of which none may be cut in two.
        var names = ((string[])["a", "b"]).Select(static end => $"{new string('電', 83)}.{end}.mp4").Append($"{new string('x', 246 - 4)}.mp4").ToArray();
        Assert.Equal([255, 255, 246], names.Select(Encoding.UTF8.GetByteCount));
        var movies = names.Select((_, at) => new MovieBytes((ulong)(36 + at), 70_000)).ToArray();
        (await At(Client.Master).RunAsync(["put", .. names.Zip(movies, (name, movie) => Write($"long/{name}", movie))])).AssertEnded(0);
        (await At(Client.Master).RunAsync(["get", "-o", _temp["fetched"] + "/", "-j", "3", .. names])).AssertEnded(0);
        Assert.Equal(names.Order(), Directory.EnumerateFiles(_temp["fetched"]).Select(Path.GetFileName).Order());
        Assert.All(names.Zip(movies), pair => Assert.Equal(pair.Second.Hash, MovieBytes.HashOfFile(_temp[$"fetched/{pair.First}"])));
    }

    [Fact]
    public async Task A_part_of_an_older_version_or_with_wrong_bytes_never_becomes_a_movie()
    {
        var movie = new MovieBytes(21, 2_000_000);
        await Client.StoreAsync("parts.mp4", movie, Cancelled);
        File.WriteAllBytes(_temp["parts.mp4.part"], new byte[1_000_000]);
        File.WriteAllText(_temp["parts.mp4.part.etag"], "\"1\"");
        (await At(Client.Master).RunAsync("get", "parts.mp4")).AssertEnded(0);
        Assert.Equal(movie.Hash, MovieBytes.HashOfFile(_temp["parts.mp4"]));

        File.Delete(_temp["parts.mp4"]);
        File.WriteAllBytes(_temp["parts.mp4.part"], new byte[1_000_000]);
        File.WriteAllText(_temp["parts.mp4.part.etag"], (await Client.FactsAsync("parts.mp4", Cancelled))!.ETag);
        (await At(Client.Master).RunAsync("get", "parts.mp4")).AssertEnded(6);
        Assert.False(File.Exists(_temp["parts.mp4"]));
        (await At(Client.Master).RunAsync("get", "parts.mp4")).AssertEnded(0);
        Assert.Equal(movie.Hash, MovieBytes.HashOfFile(_temp["parts.mp4"]));

        File.WriteAllText(_temp["parts.mp4"], "my own notes");
        Assert.Contains("--force", (await At(Client.Master).RunAsync("get", "parts.mp4")).AssertEnded(1).Out);
        Assert.Equal("my own notes", File.ReadAllText(_temp["parts.mp4"]));
        (await At(Client.Master).RunAsync("get", "parts.mp4", "--force")).AssertEnded(0);
        Assert.Equal(movie.Hash, MovieBytes.HashOfFile(_temp["parts.mp4"]));
    }

    [Fact]
    public async Task A_line_that_breaks_costs_a_fetch_nothing_but_the_rest()
    {
        var movie = new MovieBytes(22, Size);
        await Client.StoreAsync("broken line.mp4", movie, Cancelled);
        await using var line = new WeakLine(Client.Master).BreaksAfter(down: Size / 2);
        var run = (await At(line.Url).RunAsync("get", "broken line.mp4")).AssertEnded(0);
        Assert.Contains("Trying again", run.Error);
        Assert.True(line.Failed.IsCompleted);
        Assert.InRange(line.Down, Size, Size * 5 / 4);
        Assert.Equal(movie.Hash, MovieBytes.HashOfFile(_temp["broken line.mp4"]));
    }

    [Fact]
    public async Task A_movie_that_nobody_takes_any_more_is_not_fetched_to_its_end()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a closed pipe is no error.");
        const long size = 64 << 20;
        await Client.StoreAsync("beginning only.mp4", new MovieBytes(27, size), Cancelled);
        await using var line = new WeakLine(Client.Master);
        var process = At(line.Url).Start("get", "beginning only.mp4", "-o", "-");
        await process.StandardOutput.BaseStream.ReadExactlyAsync(new byte[100], Cancelled);
        process.StandardOutput.Close();
        await process.WaitForExitAsync(Cancelled).WaitAsync(MdfsClient.Patience, Cancelled);
        Assert.Equal(1, process.ExitCode);
        Assert.InRange(line.Down, 100, size / 2);
    }

    [Theory]
    [InlineData("import", 1, "failed")]
    [InlineData("put --keep", 0, "kept")]
    public async Task A_movie_that_others_store_while_one_of_that_name_is_on_its_way_is_kept(string command, int code, string ending)
    {
        var (name, theirs) = ($"{command} raced.mp4", new MovieBytes(28, 50_000));
        Write($"raced/{name}", new MovieBytes(29, Size));
        await using var network = new NetworkProxy(Client.Master.Port) { Rate = 8 << 20 };
        var process = At(network.Address).Start([.. command.Split(' '), _temp["raced"], "--json"]);
        await Eventually.TrueAsync(() => network.Sent > Size / 4, "half way", MdfsClient.Patience, Cancelled);
        network.Hush();
        await Client.StoreAsync(name, theirs, Cancelled);
        network.Rate = 0;
        network.Mend();
        var run = (await MdfsCommand.EndAsync(process)).AssertEnded(code);
        Assert.Equal($"{name} {ending}", Results(run));
        await Client.AssertHoldsAsync(name, theirs, Cancelled);
        Assert.Empty(Directory.EnumerateFiles(_temp["config/mdfs/uploads"]));
    }

    [Fact]
    public async Task What_was_begun_without_a_condition_is_not_gone_on_with_under_one()
    {
        var (movie, theirs) = (new MovieBytes(37, Size), new MovieBytes(38, 50_000));
        var file = Write("begun anyhow.mp4", movie);
        var others = shared.Incoming().ToList();
        // By one address, since what was begun is remembered by it.
        await using var network = new NetworkProxy(Client.Master.Port) { Rate = 8 << 20 };
        var killed = At(network.Address).Start("put", file);
        await Eventually.TrueAsync(() => network.Sent > Size / 4, "on its way", MdfsClient.Patience, Cancelled);
        killed.Kill();
        await killed.WaitForExitAsync(Cancelled);
        var begun = shared.Incoming().Except(others).ToList();
        Assert.NotEmpty(begun);
        var before = network.Sent;
        var process = At(network.Address).Start("put", "--keep", file, "--json");
        await Eventually.TrueAsync(() => network.Sent - before > Size / 4, "on its way again", MdfsClient.Patience, Cancelled);
        network.Hush();
        await Client.StoreAsync("begun anyhow.mp4", theirs, Cancelled);
        network.Rate = 0;
        network.Mend();
        Assert.Equal("begun anyhow.mp4 kept", Results((await MdfsCommand.EndAsync(process)).AssertEnded(0)));
        await Client.AssertHoldsAsync("begun anyhow.mp4", theirs, Cancelled);
        await Eventually.TrueAsync(() => !shared.Incoming().Intersect(begun).Any(), "nothing is left of it", MdfsClient.Patience, Cancelled);
    }

    [Fact]
    public async Task A_line_that_breaks_costs_a_store_nothing_but_the_rest()
    {
        var movie = new MovieBytes(23, Size);
        await using var line = new WeakLine(Client.Master).BreaksAfter(up: Size / 2);
        var run = (await At(line.Url).RunAsync("put", Write("broken store.mp4", movie))).AssertEnded(0);
        Assert.Contains("Trying again", run.Error);
        Assert.InRange(line.Up, Size, Size * 5 / 4);
        await Client.AssertHoldsAsync("broken store.mp4", movie, Cancelled);
        Assert.Empty(Directory.EnumerateFiles(_temp["config/mdfs/uploads"]));
    }

    [Fact]
    public async Task A_store_that_was_killed_in_the_middle_leaves_nothing_half_and_goes_on_where_it_stopped()
    {
        var movie = new MovieBytes(24, Size);
        var file = Write("killed store.mp4", movie);
        await using var line = new WeakLine(Client.Master).HoldsAfter(up: Size / 2);
        await PutAndKillAsync(line, file);
        Assert.Null(await Client.FactsAsync("killed store.mp4", Cancelled));

        var before = line.Up;
        (await At(line.Url).RunAsync("put", file)).AssertEnded(0);
        Assert.InRange(line.Up - before, 1, Size * 3 / 4);
        await Client.AssertHoldsAsync("killed store.mp4", movie, Cancelled);
        Assert.Empty(Directory.EnumerateFiles(_temp["config/mdfs/uploads"]));
    }

    [Fact]
    public async Task A_file_that_was_changed_after_an_interruption_is_stored_as_it_is_now()
    {
        var file = Write("changed store.mp4", new MovieBytes(25, Size));
        await using var line = new WeakLine(Client.Master).HoldsAfter(up: Size / 2);
        await PutAndKillAsync(line, file);

        var movie = new MovieBytes(26, Size);
        Write("changed store.mp4", movie);
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddSeconds(5));
        (await At(line.Url).RunAsync("put", file)).AssertEnded(0);
        await Client.AssertHoldsAsync("changed store.mp4", movie, Cancelled);
    }

    [Fact]
    public async Task The_originals_data_directories_are_taken_over_from_whichever_copy_is_whole()
    {
        var (good, alone, rotten) = (new MovieBytes(30, 400_000), new MovieBytes(31, 50_000), new MovieBytes(32, 60_000));
        foreach (var worker in (string[])["worker1", "worker2"])
            Classic(worker, "both.mp4", good);
        Spoil("worker1/both.mp4");
        Classic("worker2", "alone.mkv", alone);
        Classic("worker1", "rotten.mp4", rotten);
        Spoil("worker1/rotten.mp4");
        Classic("worker1", "unreadable.mp4", alone);
        File.WriteAllText(_temp["worker1/unreadable.mp4.checksum"], "no checksum");

        var run = await At(Client.Master).RunAsync("import", _temp["worker1"], _temp["worker2"], "--json");
        run.AssertEnded(1);
        Assert.Equal("alone.mkv stored, both.mp4 stored, rotten.mp4 failed, unreadable.mp4 failed", Results(run));
        await Client.AssertHoldsAsync("both.mp4", good, Cancelled);
        await Client.AssertHoldsAsync("alone.mkv", alone, Cancelled);
        Assert.Null(await Client.FactsAsync("rotten.mp4", Cancelled));

        Assert.Equal("both.mp4 unchanged", Results((await At(Client.Master).RunAsync("import", _temp["worker2"], "--json")).Json, "both.mp4"));
        // What the cluster has under the same name is not overwritten by an import unless it is said.
        Classic("other", "both.mp4", alone);
        (await At(Client.Master).RunAsync("import", _temp["other"])).AssertEnded(1);
        await Client.AssertHoldsAsync("both.mp4", good, Cancelled);
        (await At(Client.Master).RunAsync("import", _temp["other"], "--replace")).AssertEnded(0);
        await Client.AssertHoldsAsync("both.mp4", alone, Cancelled);
    }

    [Theory]
    [InlineData("put")]
    [InlineData("import")]
    public async Task A_link_that_leads_nowhere_fails_alone_and_what_lies_beside_it_is_stored(string command)
    {
        var movie = new MovieBytes(33, 70_000);
        Write($"linked/{command} good.mp4", movie);
        File.CreateSymbolicLink(_temp[$"linked/{command} dangling.mp4"], _temp["gone.mp4"]);
        File.CreateSymbolicLink(_temp[$"linked/{command} loop.mp4"], _temp[$"linked/{command} loop.mp4"]);
        Write("elsewhere/target.mp4", movie);
        File.CreateSymbolicLink(_temp[$"linked/{command} link.mp4"], _temp["elsewhere/target.mp4"]);

        var run = (await At(Client.Master).RunAsync(command, _temp["linked"], "--retries", "0", "--json")).AssertEnded(1);
        Assert.Equal($"{command} dangling.mp4 failed, {command} good.mp4 stored, {command} link.mp4 stored, {command} loop.mp4 failed", Results(run));
        await Client.AssertHoldsAsync($"{command} link.mp4", movie, Cancelled);
    }

    [Theory]
    [InlineData("put")]
    [InlineData("import")]
    public async Task What_cannot_be_opened_by_its_name_fails_alone_and_what_lies_beside_it_is_stored(string command)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere every name is Unicode.");
        var movie = new MovieBytes(34, 70_000);
        Write($"old names/{command} fine.mp4", movie);
        Write("old names/a/inner.mp4", movie);
        // Two that .NET reads as one name, and a folder: as they are on disks that were written in Latin-1.
        Shell($"cp '{command} fine.mp4' {command}$(printf 'M\\374nchen').mp4 && cp '{command} fine.mp4' {command}$(printf 'M\\344nchen').mp4 && mv a {command}$(printf '\\344')");
        try
        {
            var run = (await At(Client.Master).RunAsync(command, _temp["old names"], "--retries", "0", "--json")).AssertEnded(1);
            Assert.Equal($"{command} fine.mp4 stored, {command}M\uFFFDnchen.mp4 failed, {command}M\uFFFDnchen.mp4 failed, {command}\uFFFD failed", Results(run));
            Assert.All(run.Json.Where(line => line.GetProperty("result").GetString() == "failed"), line => Assert.Contains("UTF-8", line.GetProperty("error").GetString()));
            await Client.AssertHoldsAsync($"{command} fine.mp4", movie, Cancelled);
        }
        finally
        {
            // .NET cannot remove them either.
            Shell("rm -rf *");
        }

        void Shell(string script)
        {
            using var shell = Process.Start(new ProcessStartInfo("sh", ["-ec", script]) { WorkingDirectory = _temp["old names"] })!;
            shell.WaitForExit();
            Assert.Equal(0, shell.ExitCode);
        }
    }

    [Fact]
    public async Task Another_servers_movies_come_by_a_list_of_URLs_from_allowed_hosts_only()
    {
        // The other server is this cluster under its other name.
        var movie = new MovieBytes(40, 300_000);
        await Client.StoreAsync("elsewhere.mp4", movie, Cancelled);
        var here = $"127.0.0.1:{Client.Master.Port}";
        File.WriteAllText(_temp["list"], $"""
            # from the old server
            http://{here}/download?name=elsewhere.mp4{'\t'}taken over.mp4

            http://{here}/api/files/elsewhere.mp4/content{'\t'}second.mp4
            http://localhost:{Client.Master.Port}/download?name=elsewhere.mp4{'\t'}forbidden.mp4
            http://{here}/download?name=missing.mp4
            file:///etc/passwd{'\t'}passwd.mp4
            """);
        (await At(Client.Master).RunAsync("import", "--urls", _temp["list"])).AssertEnded(2);
        var run = (await At(Client.Master).RunAsync("import", "--urls", _temp["list"], "--allow", here, "--json")).AssertEnded(1);
        Assert.Equal("forbidden.mp4 failed, missing.mp4 failed, passwd.mp4 failed, second.mp4 stored, taken over.mp4 stored", Results(run));
        await Client.AssertHoldsAsync("taken over.mp4", movie, Cancelled);
        foreach (var name in (string[])["forbidden.mp4", "missing.mp4", "passwd.mp4"])
            Assert.Null(await Client.FactsAsync(name, Cancelled));
    }

    private async Task PutAndKillAsync(WeakLine line, string file)
    {
        var process = At(line.Url).Start("put", file);
        await line.Failed.WaitAsync(MdfsClient.Patience, Cancelled);
        process.Kill();
        await process.WaitForExitAsync(Cancelled);
    }

    private MdfsCommand At(Uri url)
    {
        var command = new MdfsCommand(_temp.Path, url, TestCluster.AdminKey);
        _commands.Add(command);
        return command;
    }

    private static string Results(MdfsResult run) => Results(run.Json, "");

    private static string Results(IEnumerable<System.Text.Json.JsonElement> lines, string name) => string.Join(
        ", ", lines.Select(line => $"{line.GetProperty("name").GetString()} {line.GetProperty("result").GetString()}").Where(line => line.StartsWith(name, StringComparison.Ordinal)).Order());

    private void Classic(string worker, string name, MovieBytes movie)
    {
        Write($"{worker}/{name}", movie);
        File.WriteAllText(_temp[$"{worker}/{name}.checksum"], Checksum.Of(movie.ToArray()).ToString(), Encoding.ASCII);
    }

    private void Spoil(string name) => BitRot.Flip(_temp[name], new FileInfo(_temp[name]).Length / 2);

    private string Write(string name, MovieBytes movie) => movie.WriteTo(_temp[name]);
}
