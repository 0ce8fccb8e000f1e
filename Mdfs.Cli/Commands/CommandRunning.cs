using System.CommandLine;
using Mdfs.Cli.Server;
using Mdfs.Cli.Settings;
using Mdfs.Cli.Terminal;

namespace Mdfs.Cli.Commands;

/// <summary>What surrounds every command: who is asked, and how an end that nobody wished for is told.</summary>
internal static class CommandRunning
{
    /// <summary>A command that talks to the cluster.</summary>
    public static void Runs(this Command command, Func<Session, ParseResult, CancellationToken, Task<int>> body) =>
        command.RunsAlone(async (output, parsed, cancellationToken) =>
        {
            var login = Login.Find(parsed.GetValue(CommonOptions.Url));
            using var master = new MasterClient(login.Url, login.Key);
            return await body(new Session(master, output), parsed, cancellationToken);
        });

    public static void RunsAlone(this Command command, Func<Output, ParseResult, CancellationToken, Task<int>> body) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var output = new Output(parsed.GetValue(CommonOptions.Json));
            try
            {
                return await body(output, parsed, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return ExitCodes.Interrupted;
            }
            catch (Exception e) when (CliException.From(e) is { } failure)
            {
                output.Failure(failure);
                return failure.ExitCode;
            }
        });
}
