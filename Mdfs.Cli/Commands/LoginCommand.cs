using System.CommandLine;
using System.Text;
using Mdfs.Cli.Server;
using Mdfs.Cli.Settings;
using Mdfs.Cli.Terminal;

namespace Mdfs.Cli.Commands;

internal static class LoginCommand
{
    public static Command Create()
    {
        var url = new Argument<string>("URL") { Description = "The cluster's address, such as http://nas:8080." };
        var noCheck = new Option<bool>("--no-check") { Description = "Keep it without asking the cluster whether the key is right." };
        var command = new Command("login", $"Remember a cluster and the key for it. The key is asked for, or read from {Login.KeyVariable} or a pipe; never given as an argument, where others could see it.") { url, noCheck };
        command.RunsAlone(async (output, parsed, cancellationToken) =>
        {
            var address = Login.ParseUrl(parsed.GetValue(url)!);
            var login = new Login(address, ReadKey(output));
            var may = parsed.GetValue(noCheck) ? "unchecked" : await CheckAsync(login, cancellationToken);
            var file = login.Keep();
            output.Result(new { url = address, may, file }, $"Kept in {file}, which only you can read: {address} ({may}).");
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task<string> CheckAsync(Login login, CancellationToken cancellationToken)
    {
        using var master = new MasterClient(login.Url, login.Key);
        try
        {
            await master.ClusterAsync(cancellationToken);
            return "admin";
        }
        catch (Refusal refusal) when (refusal.Type.EndsWith(":admin-key-wrong", StringComparison.Ordinal))
        {
            // A reader's key opens nothing for admins. Where reading is open to all, nothing can be said for the key.
            using var anonymous = new MasterClient(login.Url, null);
            if (await CanReadAsync(anonymous, cancellationToken) || !await CanReadAsync(master, cancellationToken)) throw;
            return "reader";
        }
    }

    private static async Task<bool> CanReadAsync(MasterClient master, CancellationToken cancellationToken)
    {
        try
        {
            await master.GetAsync<MoviePage>("api/files?limit=1", cancellationToken);
            return true;
        }
        catch (Refusal refusal) when (refusal.ExitCode == ExitCodes.Key)
        {
            return false;
        }
    }

    private static string ReadKey(Output output)
    {
        var key = Environment.GetEnvironmentVariable(Login.KeyVariable) is { Length: > 0 } given ? given
            : Console.IsInputRedirected ? Console.In.ReadLine() ?? ""
            : Ask(output);
        return key.Trim() is { Length: > 0 } some ? some : throw new CliException($"There was no key. Type it when asked, or set {Login.KeyVariable}.", ExitCodes.Usage);
    }

    private static string Ask(Output output)
    {
        Console.Error.Write("Key (is not shown): ");
        var typed = new StringBuilder();
        while (Console.ReadKey(intercept: true) is var pressed && pressed.Key != ConsoleKey.Enter)
        {
            if (pressed.Key == ConsoleKey.Backspace) typed.Length = Math.Max(0, typed.Length - 1);
            else if (!char.IsControl(pressed.KeyChar)) typed.Append(pressed.KeyChar);
        }

        output.Note("");
        return typed.ToString();
    }
}

internal static class LogoutCommand
{
    public static Command Create()
    {
        var command = new Command("logout", "Forget the cluster and its key.");
        command.RunsAlone(static (output, _, _) =>
        {
            var forgotten = Login.Forget();
            output.Result(new { forgotten }, forgotten ? "Forgotten." : "There was nothing to forget.");
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
