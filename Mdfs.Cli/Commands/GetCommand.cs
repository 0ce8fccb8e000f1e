using System.CommandLine;
using Mdfs.Cli.Transfer;
using Mdfs.Protocol.Names;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.Cli.Commands;

internal static class GetCommand
{
    public static Command Create()
    {
        var names = MovieNames.Several(required: false);
        var all = new Option<bool>("--all") { Description = "Every movie there is." };
        var output = new Option<string?>("--output", "-o") { Description = "A folder, or for one movie a file; - for standard output. Default: here.", HelpName = "PATH" };
        var force = new Option<bool>("--force") { Description = "Replace files that are there and differ." };
        var (parallel, retries) = (CommonOptions.Parallel(), CommonOptions.Retries());
        var command = new Command("get", "Fetch movies. What was begun goes on where it stopped (file.part), and counts only when its checksum is right.") { names, all, output, force, parallel, retries };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var wanted = await MovieNames.ResolveAsync(session, parsed.GetValue(names)!, parsed.GetValue(all), cancellationToken);
            var download = new Download(session.Master, new Retrying(session.Output, parsed.GetValue(retries)), parsed.GetValue(force));
            var where = parsed.GetValue(output) ?? ".";
            if (where == "-")
            {
                if (wanted.Count != 1) throw new CliException("Standard output takes one movie.", ExitCodes.Usage);
                await using var pipe = StandardOutput();
                await download.CopyAsync(wanted[0], pipe, cancellationToken);
                return ExitCodes.Done;
            }

            var isFolder = Directory.Exists(where) || where.EndsWith(Path.DirectorySeparatorChar) || wanted.Count != 1;
            if (isFolder) Directory.CreateDirectory(where);
            return await new Batch(session.Output, parsed.GetValue(parallel)).RunAsync(
                wanted, static name => name, _ => null, (name, meter, cancelled) => download.RunAsync(name, isFolder ? FileOf(where, name) : where, meter, cancelled), cancellationToken);
        });
        return command;
    }

    /// <summary>
    /// The console's own stream takes a pipe that nobody reads any more for one that has taken everything, and a movie would be fetched to its end for nobody. A file is left to it: a
    /// <see cref="FileStream"/> does not move the position that others who write to the same file go on from.
    /// </summary>
    private static Stream StandardOutput()
    {
        if (OperatingSystem.IsWindows()) return Console.OpenStandardOutput();
        var pipe = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }

    /// <summary>A name is checked before it becomes part of a path, whoever said it.</summary>
    private static string FileOf(string folder, string name) =>
        !FileName.TryParse(name, out var parsed, out var problem) ? throw new CliException(problem, ExitCodes.Failed)
        : parsed.Value.AsSpan().IndexOfAny(Path.GetInvalidFileNameChars()) >= 0 ? throw new CliException("This system cannot have a file of that name. Choose another with --output.", ExitCodes.Failed)
        : Path.Combine(folder, parsed.Value);
}
