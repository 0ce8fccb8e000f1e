using System.Net;
using System.Text.Json;
using Mdfs.Cli.Transfer;
using Mdfs.Tests.Support;

namespace Mdfs.Tests.Cluster;

/// <summary>The command line against a real cluster: movies in and out, listings, keys.</summary>
public sealed class CliTests(SharedCluster shared) : IClassFixture<SharedCluster>, IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly List<MdfsCommand> _commands = [];

    private TestCluster Cluster => shared.Cluster;

    private MdfsClient Client => shared.Client;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _commands.ForEach(static command => command.Dispose());
        _temp.Dispose();
    }

    [Fact]
    public async Task A_movie_goes_in_comes_out_is_verified_and_deleted()
    {
        var movie = new MovieBytes(1, 3_000_001);
        var file = Write("there and back.mp4", movie);
        var mdfs = Admin();

        var stored = Assert.Single((await mdfs.RunAsync("put", file, "--json")).AssertEnded(0).Json);
        Assert.Equal(("stored", 2, 3_000_001), (stored.GetProperty("result").GetString(), stored.GetProperty("copies").GetInt32(), stored.GetProperty("size").GetInt64()));
        await Client.AssertHoldsAsync("there and back.mp4", movie, Cancelled);

        var listed = Assert.Single((await mdfs.RunAsync("ls", "THERE AND", "--json")).AssertEnded(0).Json);
        Assert.Equal(stored.GetProperty("checksum").GetString(), listed.GetProperty("checksum").GetString());
        Assert.Contains("there and back.mp4", (await mdfs.RunAsync("ls", "there and")).AssertEnded(0).Out);
        Assert.True(Assert.Single((await mdfs.RunAsync("verify", "there and back.mp4", "--json")).AssertEnded(0).Json).GetProperty("valid").GetBoolean());

        (await mdfs.RunAsync("get", "there and back.mp4", "-o", _temp["out"] + "/")).AssertEnded(0);
        Assert.Equal(movie.Hash, MovieBytes.HashOfFile(_temp["out/there and back.mp4"]));
        Assert.Equal(["there and back.mp4"], Directory.EnumerateFiles(_temp["out"]).Select(Path.GetFileName));
        Assert.Contains("unchanged", (await mdfs.RunAsync("get", "there and back.mp4", "-o", _temp["out"])).AssertEnded(0).Out);

        (await mdfs.RunAsync("rm", "there and back.mp4")).AssertEnded(2);
        Assert.NotNull(await Client.FactsAsync("there and back.mp4", Cancelled));
        Assert.Contains("deleted", (await mdfs.RunAsync("rm", "-y", "there and back.mp4")).AssertEnded(0).Out);
        Assert.Null(await Client.FactsAsync("there and back.mp4", Cancelled));
        foreach (var command in (string[][])[["get", "there and back.mp4"], ["rm", "-y", "there and back.mp4"], ["verify", "there and back.mp4"], ["play", "there and back.mp4"]])
        {
            var run = (await mdfs.RunAsync(command)).AssertEnded(5);
            Assert.Contains("mdfs ls", run.Out + run.Error);
        }
    }

    [Fact]
    public async Task A_folder_tree_is_stored_once_and_a_changed_file_becomes_a_new_version()
    {
        Write("films/a/tree one.mp4", new MovieBytes(2, 100_000));
        var second = Write("films/tree two.MKV", new MovieBytes(3, 0));
        Write("films/a/cover.jpg", new MovieBytes(4, 10));
        Write("films/.hidden.mp4", new MovieBytes(4, 10));
        Directory.CreateSymbolicLink(_temp["films/a/round"], _temp["films"]);
        var mdfs = Admin();

        Assert.Equal("tree one.mp4 stored, tree two.MKV stored", await PutAsync("put", _temp["films"]));
        await using (var counting = new WeakLine(Client.Master))
        {
            using var again = new MdfsCommand(_temp.Path, counting.Url, TestCluster.AdminKey);
            var run = (await again.RunAsync("put", _temp["films"], "--json")).AssertEnded(0);
            Assert.All(run.Json, line => Assert.Equal("unchanged", line.GetProperty("result").GetString()));
            Assert.InRange(counting.Up, 1, 20_000);
        }

        Write("films/tree two.MKV", new MovieBytes(5, 5_000));
        Assert.Equal("tree two.MKV kept", await PutAsync("put", "--keep", second));
        Assert.Equal("tree one.mp4 unchanged, tree two.MKV replaced", await PutAsync("put", _temp["films"]));
        await Client.AssertHoldsAsync("tree two.MKV", new MovieBytes(5, 5_000), Cancelled);

        Write("films/b/tree one.mp4", new MovieBytes(6, 10));
        Assert.Contains("--names path", (await mdfs.RunAsync("put", _temp["films"])).AssertEnded(2).Error);
        Assert.Equal("a - tree one.mp4 stored, b - tree one.mp4 stored, tree two.MKV unchanged", await PutAsync("put", "--names", "path", _temp["films"]));

        async Task<string> PutAsync(params string[] command) => string.Join(
            ", ", (await mdfs.RunAsync([.. command, "--json"])).AssertEnded(0).Json.Select(line => $"{line.GetProperty("name").GetString()} {line.GetProperty("result").GetString()}").Order());
    }

    [Theory]
    [InlineData(50_000)]
    [InlineData(ResumableUpload.Smallest)]
    public async Task A_link_to_a_movie_is_the_movie(long size)
    {
        var movie = new MovieBytes(15, size);
        Directory.CreateDirectory(_temp["links"]);
        File.CreateSymbolicLink(_temp[$"links/linked {size}.mp4"], Write("far away.mp4", movie));
        foreach (var (given, ending) in ((string, string)[])[(_temp[$"links/linked {size}.mp4"], "stored"), (_temp[$"links/linked {size}.mp4"], "unchanged"), (_temp["links"], "unchanged")])
            Assert.Equal(ending, Assert.Single((await Admin().RunAsync("put", given, "--json")).AssertEnded(0).Json).GetProperty("result").GetString());
        await Client.AssertHoldsAsync($"linked {size}.mp4", movie, Cancelled);
        // Nothing is to be gone on with.
        if (size >= ResumableUpload.Smallest) Assert.Empty(Directory.EnumerateFiles(_temp["config/mdfs/uploads"]));
    }

    [Fact]
    public async Task A_name_that_begins_with_an_at_sign_is_a_name()
    {
        Write("@home.mp4", new MovieBytes(16, 1000));
        (await Admin().RunAsync("put", "@home.mp4")).AssertEnded(0);
        Assert.Equal("@home.mp4", Assert.Single((await Admin().RunAsync("ls", "@home", "--json")).AssertEnded(0).Json).GetProperty("name").GetString());
        (await Admin().RunAsync("get", "@home.mp4", "-o", _temp["fetched.mp4"])).AssertEnded(0);
    }

    [Fact]
    public async Task What_goes_wrong_with_one_movie_is_told_and_the_others_are_stored()
    {
        Write("mixed/fine.mp4", new MovieBytes(7, 1000));
        Write("mixed/line\nbreak.mp4", new MovieBytes(8, 1000));
        Write("mixed/ leading.mp4", new MovieBytes(8, 1000));
        var run = (await Admin().RunAsync("put", _temp["mixed"])).AssertEnded(1);
        Assert.Contains("stored      fine.mp4", run.Out);
        Assert.Contains(@"FAILED      line\u000abreak.mp4", run.Out);
        Assert.Contains("FAILED       leading.mp4: The name must not begin or end with a space.", run.Out);

        // The cluster's word on what is no video.
        var refused = (await Admin().RunAsync("put", Write("notes.txt", new MovieBytes(9, 10)), "--json")).AssertEnded(1);
        Assert.Contains("allowed video extension", Assert.Single(refused.Json).GetProperty("error").GetString());
        (await Admin().RunAsync("put", _temp["not there.mp4"])).AssertEnded(2);
    }

    [Fact]
    public async Task Odd_names_go_through_and_never_turn_a_terminal_or_a_path_around()
    {
        string[] names = ["--yes.mp4", "%2F..%2Fx.mp4", "\"q\" [red]x[ <b>&'.mp4", "電影 🎬.mp4", "gnp.\u202e4pm.mp4", "e\u0301.mp4", "#?&name=a+b.mp4"];
        var mdfs = Admin();
        (await mdfs.RunAsync(["put", .. names.Select(name => Write($"odd/{name}", new MovieBytes((ulong)name.Length, 2000)))])).AssertEnded(0);

        var table = (await mdfs.RunAsync("ls")).AssertEnded(0).Out;
        Assert.Contains("\"q\" [red]x[ <b>&'.mp4", table);
        Assert.Contains(@"gnp.\u202e4pm.mp4", table);
        Assert.DoesNotContain('\u202e', table);
        Assert.DoesNotContain('\u001b', table);

        (await mdfs.RunAsync(["get", "-o", _temp["back"] + "/", "--", .. names])).AssertEnded(0);
        Assert.All(names, name => Assert.Equal(new MovieBytes((ulong)name.Length, 2000).Hash, MovieBytes.HashOfFile(_temp[$"back/{name.Normalize()}"])));
        var removed = (await mdfs.RunAsync(["rm", "-y", "--json", "--", .. names])).AssertEnded(0);
        Assert.Equal(names.Select(name => name.Normalize()).Order(), removed.Json.Select(line => line.GetProperty("name").GetString()).Order());

        foreach (var hostile in (string[])["../outside.mp4", "..", "/etc/passwd", "a\\b.mp4", "", new string('x', 100_000)])
        {
            Assert.NotEqual(0, (await mdfs.RunAsync("get", "-o", _temp["back"], "--", hostile)).ExitCode);
            Assert.False(File.Exists(_temp["outside.mp4"]));
        }
    }

    [Fact]
    public async Task A_key_is_kept_for_its_owner_alone_sent_to_its_cluster_alone_and_never_shown()
    {
        var nobody = new MdfsCommand(_temp.Path, null, null);
        _commands.Add(nobody);
        var shown = "";
        Show(await nobody.RunAsync("ls"), 2);
        Show(await nobody.RunAsync("a guess that is wrong\n", ["login", Address]), 4);
        Show(await nobody.RunAsync("\n", ["login", Address]), 2);
        Assert.False(File.Exists(_temp["config/mdfs/login.json"]));
        Show(await nobody.RunAsync($"{TestCluster.AdminKey}\n", ["login", Address]), 0);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_temp["config/mdfs/login.json"]));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_temp["config/mdfs"]));
        }

        Show(await nobody.RunAsync("status"), 0);
        // Another name for the same cluster is another cluster to whoever holds the key.
        Show(await nobody.RunAsync("status", "--url", Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)), 4);
        Show(await nobody.RunAsync("put", Write("by login.mp4", new MovieBytes(10, 10)), "--json"), 0);
        Show(await nobody.RunAsync("logout"), 0);
        Show(await nobody.RunAsync("ls"), 2);
        Assert.DoesNotContain(TestCluster.AdminKey, shown);

        void Show(MdfsResult run, int exitCode) => shown += run.AssertEnded(exitCode).Out + run.Error;
    }

    [Fact]
    public async Task Without_the_key_nothing_changes()
    {
        Assert.Contains("stored", (await Admin().RunAsync("put", Write("guarded.mp4", new MovieBytes(11, 1000)))).AssertEnded(0).Out);
        var anonymous = Command(null);
        (await anonymous.RunAsync("ls")).AssertEnded(0);
        (await anonymous.RunAsync("put", Write("unwanted.mp4", new MovieBytes(12, 5_000_000)))).AssertEnded(4);
        var wrong = (await Command("a wrong key of some length").RunAsync("rm", "-y", "guarded.mp4", "--json")).AssertEnded(4);
        Assert.Equal(4, Assert.Single(wrong.Json).GetProperty("exitCode").GetInt32());
        (await anonymous.RunAsync("status")).AssertEnded(4);
        (await anonymous.RunAsync("nodes")).AssertEnded(4);
        Assert.Null(await Client.FactsAsync("unwanted.mp4", Cancelled));
        Assert.NotNull(await Client.FactsAsync("guarded.mp4", Cancelled));
    }

    [Fact]
    public async Task Status_and_nodes_say_what_the_master_says()
    {
        var mdfs = Admin();
        var status = Assert.Single((await mdfs.RunAsync("status", "--json")).AssertEnded(0).Json);
        Assert.Equal((3, true), (status.GetProperty("activeNodes").GetInt32(), status.GetProperty("writable").GetBoolean()));
        Assert.Matches(@"Nodes\s+3 of 3 beat", (await mdfs.RunAsync("status")).AssertEnded(0).Out);
        Assert.Equal(["worker-1", "worker-2", "worker-3"], (await mdfs.RunAsync("nodes", "--json")).AssertEnded(0).Json.Select(node => node.GetProperty("name").GetString()));
        var table = (await mdfs.RunAsync("nodes")).AssertEnded(0).Out;
        Assert.Equal(3, table.Split('\n').Count(line => line.Contains("worker-", StringComparison.Ordinal) && line.Contains("alive", StringComparison.Ordinal)));
        Assert.Contains("beating", (await mdfs.RunAsync("nodes", "forget", "worker-1")).AssertEnded(1).Error);
        (await mdfs.RunAsync("nodes", "forget", "worker-9")).AssertEnded(5);
        Assert.Contains("seven days", (await mdfs.RunAsync("nodes", "maintenance", "worker-1", "--for", "99999:00:00")).AssertEnded(2).Error);
        Assert.Contains("mdfs trash", (await mdfs.RunAsync("undelete", "never there.mp4")).AssertEnded(5).Error);
    }

    [Fact]
    public async Task A_worker_is_drained_and_the_scrub_watched_started_and_paused()
    {
        var mdfs = Admin();
        Assert.Equal("none", Assert.Single((await mdfs.RunAsync("nodes", "drain", "worker-3", "--dry-run", "--json")).AssertEnded(0).Json).GetProperty("state").GetString());
        Assert.Equal(70_000, Assert.Single((await mdfs.RunAsync("drain", "worker-3", "--limit", "70000", "--json")).AssertEnded(0).Json).GetProperty("bytesPerSecond").GetInt64());
        Assert.StartsWith("drain", (await mdfs.RunAsync("nodes", "drain", "worker-3", "--limit", "0")).AssertEnded(0).Out);
        Assert.Contains("draining", (await mdfs.RunAsync("nodes")).AssertEnded(0).Out);
        Assert.Contains("not drained any more", (await mdfs.RunAsync("nodes", "drain", "worker-3", "--cancel")).AssertEnded(0).Out);
        (await mdfs.RunAsync("nodes", "drain", "worker-9")).AssertEnded(5);

        Assert.Equal(3, (await mdfs.RunAsync("scrub", "--json")).AssertEnded(0).Json.Count);
        (await mdfs.RunAsync("scrub", "pause", "worker-1")).AssertEnded(0);
        await Eventually.TrueAsync(async () => (await mdfs.RunAsync("scrub")).AssertEnded(0).Out.Contains("paused", StringComparison.Ordinal), "it is paused", MdfsClient.Patience, Cancelled);
        Assert.Contains("all workers", (await mdfs.RunAsync("scrub", "start")).AssertEnded(0).Out);
        (await Command(null).RunAsync("scrub", "pause")).AssertEnded(4);
    }

    [Fact]
    public async Task Play_prints_an_address_that_plays_or_hands_it_to_a_player()
    {
        var movie = new MovieBytes(13, 70_000);
        await Client.StoreAsync("play me & you.mp4", movie, Cancelled);
        var address = (await Command(null).RunAsync("play", "play me & you.mp4", "--print")).AssertEnded(0).Out.Trim();
        Assert.Equal(movie.ToArray(), await Client.Http.GetByteArrayAsync(address, Cancelled));

        if (OperatingSystem.IsWindows()) return;
        File.WriteAllText(_temp["player"], $"#!/bin/sh\nprintf %s \"$1\" > '{_temp["heard"]}'\n");
        File.SetUnixFileMode(_temp["player"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        (await Command(null).RunAsync("play", "play me & you.mp4", "--player", _temp["player"])).AssertEnded(0);
        Assert.Equal(address, await File.ReadAllTextAsync(_temp["heard"], Cancelled));
        (await Command(null).RunAsync("play", "play me & you.mp4", "--player", _temp["no player"])).AssertEnded(1);
    }

    [Fact]
    public async Task Where_reading_needs_a_key_play_gives_a_player_an_address_that_needs_none()
    {
        const string readerKey = "the key of the readers";
        await using var cluster = await TestCluster.StartAsync(Cancelled, workers: 1, ("Mdfs:ReaderKey", readerKey));
        var movie = new MovieBytes(14, 70_000);
        await cluster.Client.StoreAsync("closed.mp4", movie, Cancelled);
        using var mdfs = new MdfsCommand(_temp.Path, cluster.Client.Master, readerKey);
        var address = (await mdfs.RunAsync("play", "closed.mp4", "--print")).AssertEnded(0).Out.Trim();
        Assert.DoesNotContain(readerKey, address);
        using var player = new HttpClient();
        Assert.Equal(movie.ToArray(), await player.GetByteArrayAsync(address, Cancelled));
        using var bare = await player.GetAsync(new Uri(cluster.Client.Master, "play?name=closed.mp4"), Cancelled);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, bare.StatusCode);
    }

    [Fact]
    public async Task Shells_complete_commands_and_the_names_of_movies()
    {
        await Client.StoreAsync("completed by name.mp4", new MovieBytes(14, 10), Cancelled);
        Assert.Contains("verify", (await Admin().RunAsync("[suggest:6]", "mdfs v")).AssertEnded(0).Out);
        Assert.Contains("completed by name.mp4", (await Admin().RunAsync("[suggest:16]", "mdfs get complet")).AssertEnded(0).Out);
        Assert.Contains("_mdfs", (await Admin().RunAsync("completion", "bash")).AssertEnded(0).Out);
    }

    [Fact]
    public async Task Help_and_what_is_said_of_a_wrong_command_line_ask_the_cluster_nothing()
    {
        await Client.StoreAsync("never in the help.mp4", new MovieBytes(14, 10), Cancelled);
        await using var counting = new WeakLine(Client.Master);
        using var mdfs = new MdfsCommand(_temp.Path, counting.Url, TestCluster.AdminKey);
        foreach (var (line, code) in ((string[], int)[])[(["get", "--help"], 0), (["play", "--help"], 0), (["--help"], 0), (["frobnicate"], 2)])
        {
            var run = (await mdfs.RunAsync(line)).AssertEnded(code);
            Assert.Contains("<NAME>", run.Out);
            Assert.DoesNotContain("never in the help", run.Out + run.Error);
        }

        Assert.Equal(0, counting.Up);
    }

    [Fact]
    public async Task Nobody_there_somebody_else_there_and_nonsense_typed_are_told_apart()
    {
        (await new MdfsCommand(_temp.Path, new Uri($"http://127.0.0.1:{TestPorts.Next()}"), null).RunAsync("ls")).AssertEnded(3);
        (await Admin().RunAsync("ls", "--url", "not an address")).AssertEnded(2);
        (await Admin().RunAsync("ls", "--url", "ftp://x")).AssertEnded(2);
        (await Admin().RunAsync("frobnicate")).AssertEnded(2);
        (await Admin().RunAsync("put")).AssertEnded(2);
        (await Admin().RunAsync("put", "x", "--parallel", "0")).AssertEnded(2);
        (await Admin().RunAsync("get")).AssertEnded(2);

        using var other = new HttpListener();
        var port = TestPorts.Next();
        other.Prefixes.Add($"http://127.0.0.1:{port}/");
        other.Start();
        var answering = Task.Run(async () =>
        {
            var context = await other.GetContextAsync();
            await context.Response.OutputStream.WriteAsync("<html>Welcome"u8.ToArray());
            context.Response.Close();
        }, Cancelled);
        var lost = (await Admin().RunAsync("ls", "--json", "--url", $"http://127.0.0.1:{port}")).AssertEnded(1);
        Assert.Contains("not MDFS Pro's", JsonDocument.Parse(lost.Error).RootElement.GetProperty("error").GetString());
        await answering;
    }

    private string Address => Client.Master.ToString();

    private MdfsCommand Admin() => Command(TestCluster.AdminKey);

    private MdfsCommand Command(string? key)
    {
        var command = new MdfsCommand(_temp.Path, Client.Master, key);
        _commands.Add(command);
        return command;
    }

    private string Write(string name, MovieBytes movie) => movie.WriteTo(_temp[name]);
}
