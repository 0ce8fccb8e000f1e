using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Mdfs.Benchmarks.Load;
using Mdfs.Benchmarks.Scale;

// dotnet run -c Release --project Mdfs.Benchmarks -- micro | load | scale [options]
return args switch
{
    ["micro", .. var rest] => Micro(rest),
    ["load", .. var rest] => await LoadAsync(rest),
    ["scale", "master", .. var rest] => await MasterAtScale.RunAsync(Count(rest, 1_000_000)),
    ["scale", "loss", .. var rest] => ScaleSimulation.RunLoss(Count(rest, 1_000_000), Count(rest.Length > 1 ? rest[1..] : [], 10)),
    ["scale", "placing", .. var rest] => ScaleSimulation.RunPlacing(Count(rest, 1_000_000)),
    ["scale", .. var rest] => ScaleSimulation.Run(Count(rest, 10_000_000)),
    _ => Usage(),
};

static async Task<int> LoadAsync(string[] arguments)
{
    LoadOptions options;
    try
    {
        options = LoadOptions.Parse(arguments);
    }
    catch (FormatException error)
    {
        Console.Error.WriteLine($"{error.Message}\n{LoadOptions.Usage}");
        return 2;
    }

    return await LoadDriver.RunAsync(options);
}

static int Micro(string[] arguments)
{
    // In this process: a build per benchmark would take longer than measuring it. Reports lie beside the program, wherever it was started.
    var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)).WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableLogFile)
        .WithArtifactsPath(Path.Combine(AppContext.BaseDirectory, "reports"));
    BenchmarkSwitcher.FromAssembly(typeof(LoadDriver).Assembly).Run(arguments.Length > 0 ? arguments : ["--filter", "*"], config);
    return 0;
}

static int Count(string[] arguments, int otherwise) => arguments is [var movies, ..] ? int.Parse(movies, System.Globalization.CultureInfo.InvariantCulture) : otherwise;

static int Usage()
{
    Console.Error.WriteLine(
        """
        micro [--filter *Ring*]   what single functions cost
        load [options]            a cluster of processes under load, and nginx beside it where it is installed
        scale [movies]            placement on 100 nodes on paper, 10 000 000 movies unless said otherwise
        scale loss [movies] [virtual nodes]
                                  of these only the loss of a node, 1 000 000 movies and 10 virtual nodes
        scale placing [movies]    only how evenly they lie when so many uploads begin at once, 1 000 000 movies
        scale master [movies]     a real master and a real redis-server with 1 000 000 movies, and the beats of 100 nodes

        """ + LoadOptions.Usage);
    return 2;
}
