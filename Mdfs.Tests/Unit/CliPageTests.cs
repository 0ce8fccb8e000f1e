using System.CommandLine;
using System.CommandLine.Help;
using System.Text.RegularExpressions;
using Mdfs.Cli.Commands;
using Mdfs.Tests.Support;
using MdfsCommand = Mdfs.Cli.Commands.MdfsCommand;

namespace Mdfs.Tests.Unit;

/// <summary>The table of commands in <c>docs/cli.md</c> against the commands.</summary>
public sealed class CliPageTests
{
    [Fact]
    public void Every_command_has_a_row_and_every_option_stands_in_it_or_beneath_the_table()
    {
        var lines = File.ReadAllLines(Repository.File("docs/cli.md"));
        var rows = lines.Where(static line => line.StartsWith("| `mdfs ", StringComparison.Ordinal)).ToList();
        var beneath = string.Join('\n', lines.Where(static line => !line.StartsWith('|')));
        List<string> missing = [];
        foreach (var (path, command) in Below(MdfsCommand.Create(), "mdfs").Where(static found => found.Command.Name is not "logout" and not "login"))
        {
            var told = string.Join('\n', rows.Where(row => Regex.IsMatch(row.Split('|')[1], $"`{path}[ `]")));
            if (told.Length == 0) missing.Add(path);
            missing.AddRange(command.Options.Where(option => option is not HelpOption && !Stands(option, told) && !Stands(option, beneath)).Select(option => $"{path} {option.Name}"));
        }

        Assert.Empty(missing);
        // A paragraph of its own, in which they tell of more than a row could.
        foreach (var option in MdfsCommand.Create().Options.Concat(LoginCommand.Create().Options).Where(static option => option is not HelpOption and not VersionOption))
            Assert.True(Stands(option, beneath), option.Name);
    }

    private static IEnumerable<(string Path, Command Command)> Below(Command command, string path) =>
        command.Subcommands.SelectMany(below => Below(below, $"{path} {below.Name}").Prepend(($"{path} {below.Name}", below)));

    private static bool Stands(Option option, string text) => option.Aliases.Prepend(option.Name).Any(name => Regex.IsMatch(text, $"`(mdfs [^`]*)?{Regex.Escape(name)}[ =`]"));
}
