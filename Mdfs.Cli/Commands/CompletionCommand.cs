using System.CommandLine;

namespace Mdfs.Cli.Commands;

/// <summary>Prints what a shell needs to complete commands, options and the names of movies.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _mdfs() {
          local IFS=$'\n'
          COMPREPLY=($(mdfs "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null))
        }
        complete -o default -o filenames -F _mdfs mdfs
        """;

    private const string Zsh = """
        #compdef mdfs
        _mdfs() {
          local -a found
          found=("${(@f)$(mdfs "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
          if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
        }
        compdef _mdfs mdfs
        """;

    private const string Fish = """
        function __mdfs_suggest
          set -l line (commandline -cp)
          mdfs "[suggest:"(string length -- $line)"]" "$line" 2>/dev/null
        end
        complete -c mdfs -a '(__mdfs_suggest)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName mdfs -ScriptBlock {
          param($word, $ast, $position)
          mdfs "[suggest:$position]" "$ast" | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh, fish or pwsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish", "pwsh");
        var command = new Command("completion", "Print the script that makes a shell complete commands and names, e.g.: source <(mdfs completion bash)") { shell };
        command.SetAction(parsed =>
        {
            Console.WriteLine(parsed.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, "fish" => Fish, _ => PowerShell });
            return ExitCodes.Done;
        });
        return command;
    }
}
