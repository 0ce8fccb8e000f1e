using System.CommandLine;
using Mdfs.Cli.Sources;
using Mdfs.Cli.Transfer;

namespace Mdfs.Cli.Commands;

internal static class ImportCommand
{
    public static Command Create()
    {
        var folders = new Argument<string[]>("FOLDER") { Description = "Folder trees, without what has a dot in front, or the data directories of the original MDFS's workers, all at once.", Arity = ArgumentArity.ZeroOrMore };
        var urls = new Option<string?>("--urls") { Description = "A file with a URL per line, and after a tab a name; - for standard input. The movies move through this machine without touching its disk.", HelpName = "FILE" };
        var allow = new Option<string[]>("--allow") { Description = "A host that those URLs, and what they redirect to, may name: host, host:port or *.example.com. Can be given several times.", HelpName = "HOST", DefaultValueFactory = static _ => [] };
        var replace = new Option<bool>("--replace") { Description = "Replace movies of the same name that have other bytes. Without it they are left alone and reported." };
        var (names, all, parallel, retries) = (CommonOptions.Names(), CommonOptions.AllFiles(), CommonOptions.Parallel(), CommonOptions.Retries());
        var command = new Command("import", "Take over an existing library. Where name.checksum lies beside a file, the cluster checks the bytes against it while they arrive. Can be repeated: what is there is not sent again.")
        {
            folders, urls, allow, replace, names, all, parallel, retries,
        };
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            var (paths, list) = (parsed.GetValue(folders)!, parsed.GetValue(urls));
            if (paths.Length > 0 == list is not null) throw new CliException("Say either folders or --urls.", ExitCodes.Usage);
            var upload = new Upload(session.Master, new Retrying(session.Output, parsed.GetValue(retries)), parsed.GetValue(replace) ? WhenThere.Replace : WhenThere.Refuse);
            var batch = new Batch(session.Output, parsed.GetValue(parallel));
            if (list is not null)
            {
                var hosts = parsed.GetValue(allow)!;
                if (hosts.Length == 0) throw new CliException("Which hosts may the list name? Say so with --allow HOST.", ExitCodes.Usage);
                using var remote = new RemoteFiles(new AllowList(hosts));
                var movies = await UrlList.ReadAsync(list, remote, cancellationToken);
                return await batch.RunAsync(movies, movie => movie.Name, movie => movie.Origin, (movie, meter, cancelled) => upload.RunAsync(movie, meter, cancelled), cancellationToken);
            }

            var (files, unreadable) = LocalMovies.Find(paths, parsed.GetValue(names), parsed.GetValue(all));
            return await batch.RunAsync(ClassicMovie.Gather(files), movie => movie.Name, movie => movie.Copies[0].Origin, (movie, meter, cancelled) => movie.StoreAsync(upload, meter, cancelled), cancellationToken, unreadable);
        });
        return command;
    }
}
