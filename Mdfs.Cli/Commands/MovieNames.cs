using System.CommandLine;
using System.CommandLine.Completions;
using Mdfs.Cli.Server;
using Mdfs.Cli.Settings;

namespace Mdfs.Cli.Commands;

/// <summary>Names of movies as arguments, completed by asking the cluster.</summary>
internal static class MovieNames
{
    private const int MostSuggestions = 50;

    /// <summary>Said once more as <c>HelpName</c>: without one the help asks for what completes an argument, which is the whole library, and prints that.</summary>
    private const string Name = "NAME";

    /// <summary>A shell that waits longer seems to hang.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    public static Argument<string[]> Several(bool required)
    {
        var argument = new Argument<string[]>(Name) { HelpName = Name, Description = "Names of movies.", Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore };
        argument.CompletionSources.Add(Suggest);
        return argument;
    }

    public static Argument<string> One()
    {
        var argument = new Argument<string>(Name) { HelpName = Name, Description = "The name of a movie." };
        argument.CompletionSources.Add(Suggest);
        return argument;
    }

    /// <summary>All there are, or those that were named.</summary>
    public static async Task<IReadOnlyList<string>> ResolveAsync(Session session, string[] names, bool all, CancellationToken cancellationToken)
    {
        if (all == names.Length > 0) throw new CliException("Name the movies, or say --all.", ExitCodes.Usage);
        if (!all) return [.. names.Distinct(StringComparer.Ordinal)];
        var every = new List<string>();
        await foreach (var movie in session.Master.ListAsync(null, null, int.MaxValue, cancellationToken))
            every.Add(movie.Name);
        return every;
    }

    private static IEnumerable<CompletionItem> Suggest(CompletionContext context)
    {
        try
        {
            var login = Login.Find(context.ParseResult.GetValue(CommonOptions.Url));
            using var master = new MasterClient(login.Url, login.Key);
            using var patience = new CancellationTokenSource(_patience);
            return SuggestAsync(master, context.WordToComplete, patience.Token).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is OperationCanceledException || CliException.From(e) is not null)
        {
            // No suggestion is better than a sentence in the middle of somebody's command line.
            return [];
        }
    }

    private static async Task<List<CompletionItem>> SuggestAsync(MasterClient master, string word, CancellationToken cancellationToken)
    {
        var suggestions = new List<CompletionItem>();
        await foreach (var movie in master.ListAsync(word, null, MostSuggestions, cancellationToken))
        {
            if (movie.Name.StartsWith(word, StringComparison.OrdinalIgnoreCase)) suggestions.Add(new CompletionItem(movie.Name));
        }

        return suggestions;
    }
}
