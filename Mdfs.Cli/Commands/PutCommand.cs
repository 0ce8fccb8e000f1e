using System.CommandLine;
using Mdfs.Cli.Sources;
using Mdfs.Cli.Transfer;

namespace Mdfs.Cli.Commands;

internal static class PutCommand
{
    public static Command Create()
    {
        var paths = new Argument<string[]>("PATH") { Description = "Files, or folders with all video files below them, but for what has a dot in front.", Arity = ArgumentArity.OneOrMore };
        var name = new Option<string?>("--as") { Description = "The name to store it under, for one file.", HelpName = "NAME" };
        var keep = new Option<bool>("--keep") { Description = "Leave alone what is there under the same name, whatever its bytes. Without it, other bytes become the new version." };
        var (names, all, parallel, retries) = (CommonOptions.Names(), CommonOptions.AllFiles(), CommonOptions.Parallel(), CommonOptions.Retries());
        var command = new Command("put", "Store movies. A movie that is there already, with the same bytes, is not sent again, and one that was interrupted goes on where it stopped; so a run is simply repeated.")
        {
            paths, name, keep, names, all, parallel, retries,
        };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var (sources, unreadable) = LocalMovies.Find(parsed.GetValue(paths)!, parsed.GetValue(names), parsed.GetValue(all));
            if (parsed.GetValue(name) is { } wanted)
                sources = sources.Count + unreadable.Count == 1 ? [.. sources.Select(source => source with { Name = wanted })] : throw new CliException("--as names one movie, and here are several.", ExitCodes.Usage);
            LocalMovies.RequireDistinctNames(sources);

            var upload = new Upload(session.Master, new Retrying(session.Output, parsed.GetValue(retries)), parsed.GetValue(keep) ? WhenThere.Keep : WhenThere.Replace);
            return await new Batch(session.Output, parsed.GetValue(parallel))
                .RunAsync(sources, source => source.Name, source => source.Origin, (source, meter, cancelled) => upload.RunAsync(source, meter, cancelled), cancellationToken, unreadable);
        });
        return command;
    }
}
