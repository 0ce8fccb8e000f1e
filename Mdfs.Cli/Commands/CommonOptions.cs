using System.CommandLine;

namespace Mdfs.Cli.Commands;

/// <summary>What every command understands.</summary>
internal static class CommonOptions
{
    public static Option<string?> Url { get; } = new("--url") { Description = "The cluster's address, such as http://nas:8080. Else MDFS_URL, else where 'mdfs login' said.", HelpName = "URL", Recursive = true };

    public static Option<bool> Json { get; } = new("--json") { Description = "One JSON value per line on standard output, refusals as JSON on standard error.", Recursive = true };

    public static Option<int> Parallel(int most = 16)
    {
        var option = new Option<int>("--parallel", "-j") { Description = $"Movies at a time, 1 to {most}.", HelpName = "N", DefaultValueFactory = static _ => 2 };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (!int.TryParse(result.Tokens[0].Value, out var number) || number < 1 || number > most)) result.AddError($"--parallel must be from 1 to {most}.");
        });
        return option;
    }

    public static Option<int> Retries()
    {
        var option = new Option<int>("--retries") { Description = "How often in a row a movie is tried again that the cluster could not take or give at the moment.", HelpName = "N", DefaultValueFactory = static _ => 5 };
        option.Validators.Add(static result =>
        {
            if (result.Tokens.Count > 0 && (!int.TryParse(result.Tokens[0].Value, out var number) || number is < 0 or > 1000)) result.AddError("--retries must be from 0 to 1000.");
        });
        return option;
    }

    public static Option<Sources.Naming> Names() => new("--names")
    {
        Description = "How movies from folders are named, since the cluster has none: 'file' by the file alone, 'path' by the path below the folder, joined by ' - '.",
        DefaultValueFactory = static _ => Sources.Naming.File,
    };

    public static Option<bool> AllFiles() => new("--all-files") { Description = "From folders take files of every extension, not only videos." };
}
