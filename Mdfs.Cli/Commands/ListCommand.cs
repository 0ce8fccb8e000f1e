using System.CommandLine;
using Mdfs.Cli.Server;
using Mdfs.Cli.Terminal;
using Mdfs.Protocol;
using Spectre.Console;

namespace Mdfs.Cli.Commands;

internal static class ListCommand
{
    public static Command Create()
    {
        var query = new Argument<string?>("TEXT") { Description = "Part of the name, case-insensitive. Default: all.", Arity = ArgumentArity.ZeroOrOne };
        var sort = new Option<string>("--sort") { Description = "What to sort by; with - in front descending, as in --sort=-size.", DefaultValueFactory = static _ => "name" };
        sort.AcceptOnlyFromAmong("name", "size", "date", "copies", "-name", "-size", "-date", "-copies");
        var limit = new Option<int>("--limit") { Description = "At most so many.", HelpName = "N", DefaultValueFactory = static _ => int.MaxValue };
        var command = new Command("ls", "List movies.") { query, sort, limit };
        command.Aliases.Add("list");
        command.Runs(async (session, parsed, cancellationToken) =>
        {
            if (parsed.GetValue(limit) < 1) throw new CliException("--limit must be at least 1.", ExitCodes.Usage);
            var movies = session.Master.ListAsync(parsed.GetValue(query), parsed.GetValue(sort), parsed.GetValue(limit), cancellationToken);
            if (session.Output.IsJson)
            {
                await foreach (var movie in movies)
                    session.Output.Json(movie);
                return ExitCodes.Done;
            }

            await ShowAsync(session.Output, movies);
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task ShowAsync(Output output, IAsyncEnumerable<Movie> movies)
    {
        var (table, count, bytes) = (Output.Table("Name", ">Size", ">Copies", "Stored", "CRC-32"), 0, 0L);
        await foreach (var movie in movies)
        {
            table.AddRow(
                new Text(Printable.Of(movie.Name)), new Text(Quantity.Bytes(movie.Size)),
                new Text($"{movie.Copies}/{movie.CopiesWanted}", new Style(movie.Copies < movie.CopiesWanted ? Color.Yellow : null)),
                new Text(Quantity.Moment(movie.ModifiedAt)), new Text(movie.Checksum));
            (count, bytes) = (count + 1, bytes + movie.Size);
        }

        if (count > 0) output.Show(table);
        output.Note($"{Counted.Of(count, "movie", "movies")}, {Quantity.Bytes(bytes)}");
    }
}
