using System.Runtime.InteropServices;
using Mdfs.Garnet;
using Mdfs.ServiceDefaults.Hosting;

namespace Mdfs.Standalone;

/// <summary>The embedded cluster as a program.</summary>
public static class StandaloneProgram
{
    /// <summary>The exit code when the cluster cannot start for a reason the operator can mend.</summary>
    public const int CannotStart = ServiceRun.CannotStart;

    /// <summary>The exit code when a service stopped by itself.</summary>
    public const int EndedItself = 3;

    private const int ThreadsAtStart = 16;

    /// <summary>Runs until Ctrl-C, SIGTERM, or a service that stops by itself. See <c>--help</c>.</summary>
    /// <returns>The process's exit code: 0 when it was told to stop.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            if (CommandLine.Parse(args) is not { } settings)
            {
                Console.WriteLine(CommandLine.Help);
                return 0;
            }
            var configuration = new ConfigurationManager();
            configuration.AddEnvironmentVariables().AddInMemoryCollection(settings);
            // Here and not only in each service: the keys in force are decided before there is one.
            SecretFiles.AddTo(configuration);
            return await RunAsync(CommandLine.Options(configuration));
        }
        // Each of these says in a sentence what is wrong; a stack would only hide it.
        catch (Exception e) when (e is StandaloneException or GarnetStoreException || SettingException.IsToldBy(e))
        {
            Console.Error.WriteLine(SettingException.Sentences(e));
            return CannotStart;
        }
    }

    private static async Task<int> RunAsync(StandaloneOptions options)
    {
        PoolThreads.AtLeast(ThreadsAtStart);
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var storeLogs = LoggerFactory.Create(static logging => logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(static console => console.SingleLine = true));
        await using var cluster = new StandaloneCluster(options with { StoreLogs = storeLogs });
        try
        {
            await cluster.StartAsync(stop.Token);
            await cluster.WaitForWorkersAsync(stop.Token);
            Console.WriteLine(Banner.Text(cluster, options));
            var ended = await cluster.WaitForEndAsync(stop.Token);
            Console.Error.WriteLine($"{ended} stopped by itself, for the reason given above; the others stop with it.");
            return EndedItself;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.WriteLine("Stopping: the master first, then the workers, the store last.");
            return 0;
        }

        // The second time the signal does what it does to any program: the process ends at once, and nothing acknowledged is lost.
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
    }
}
