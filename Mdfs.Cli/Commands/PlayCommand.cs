using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using Mdfs.Cli.Transfer;

namespace Mdfs.Cli.Commands;

internal static class PlayCommand
{
    private static readonly string[] _players = ["mpv", "vlc", "ffplay"];

    public static Command Create()
    {
        var name = MovieNames.One();
        var player = new Option<string?>("--player") { Description = $"The program to play it with. Default: the first of {string.Join(", ", _players)} that is installed.", HelpName = "PROGRAM" };
        var print = new Option<bool>("--print") { Description = "Only print the address, for another player or another machine." };
        var command = new Command("play", "Play a movie, with seeking.") { name, player, print };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var movie = await session.Master.FindAsync(parsed.GetValue(name)!, cancellationToken) ?? throw Download.NoSuchMovie(parsed.GetValue(name)!);
            // Signed where reading needs a key: a player has none. Under the address of this login, whatever a proxy has made of it on the way.
            var links = await session.Master.LinksAsync(movie.Name, cancellationToken);
            var address = new Uri(session.Master.Url, new Uri(links.Play).PathAndQuery.TrimStart('/')).AbsoluteUri;
            var program = parsed.GetValue(player) ?? _players.FirstOrDefault(IsInstalled);
            if (parsed.GetValue(print) || session.Output.IsJson || program is null)
            {
                session.Output.Result(new { movie.Name, url = address, links.ExpiresAt }, address);
                return ExitCodes.Done;
            }

            return await PlayAsync(program, address, cancellationToken);
        });
        return command;
    }

    private static async Task<int> PlayAsync(string program, string address, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, [address]) { UseShellExecute = false })!;
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? ExitCodes.Done : throw new CliException($"{program} ended with {process.ExitCode}.", ExitCodes.Failed);
        }
        catch (Win32Exception e)
        {
            throw new CliException($"{program} cannot be started: {e.Message}. 'mdfs play --print' shows the address.", ExitCodes.Failed, e);
        }
    }

    private static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(directory => File.Exists(Path.Combine(directory, OperatingSystem.IsWindows() ? $"{program}.exe" : program)));
}
