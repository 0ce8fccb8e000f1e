using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Mdfs.Cli.Terminal;

/// <summary>
/// How a run speaks: tables and sentences for people, or with <c>--json</c> one JSON value per line. Results go to standard output, everything else
/// (progress, questions, refusals) to standard error, so that a pipe gets results only.
/// </summary>
internal sealed class Output(bool json)
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // Read by programs and people, never by a browser: titles stay legible.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly Lock _gate = new();

    public bool IsJson { get; } = json;

    public IAnsiConsole Screen { get; } = Make(Console.Out, Console.IsOutputRedirected);

    public IAnsiConsole Aside { get; } = Make(Console.Error, Console.IsErrorRedirected);

    /// <summary>Whether somebody watches, so that bars may move.</summary>
    public bool IsWatched => !IsJson && !Console.IsErrorRedirected;

    /// <summary>Whether somebody can answer a question.</summary>
    private static bool CanAsk => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Asks before something is done that cannot simply be undone; anything but a yes ends the run.</summary>
    /// <param name="doing">What <c>--yes</c> is said for, as "delete".</param>
    /// <param name="done">As "deleted".</param>
    public async Task AskAsync(string question, string doing, string done, CancellationToken cancellationToken)
    {
        if (!CanAsk) throw new CliException($"Nobody can be asked here: say --yes to {doing}.", ExitCodes.Usage);
        if (!await Aside.ConfirmAsync(Markup.Escape(question), defaultValue: false, cancellationToken)) throw new CliException($"Nothing was {done}.", ExitCodes.Failed);
    }

    /// <summary>Bars are moving on <see cref="Aside"/>, which then has to place whatever else is said.</summary>
    public bool Live { get; set; }

    /// <summary>One result: as a line of JSON, or as a sentence.</summary>
    public void Result(object value, string sentence)
    {
        lock (_gate)
        {
            if (IsJson) Console.Out.WriteLine(JsonSerializer.Serialize(value, _json));
            else if (Live && !Console.IsOutputRedirected) Aside.WriteLine(sentence);
            else Console.Out.WriteLine(sentence);
        }
    }

    /// <summary>Something to know that is no result.</summary>
    public void Note(string sentence)
    {
        lock (_gate)
        {
            if (Live) Aside.WriteLine(sentence);
            else Console.Error.WriteLine(sentence);
        }
    }

    public void Json(object value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, _json));

    public void Show(Table table) => Screen.Write(table);

    public static Table Table(params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = TableBorder.Simple, UseSafeBorder = true };
        foreach (var column in columns)
        {
            // A leading > aligns numbers to the right.
            var shown = new TableColumn(new Text(column.TrimStart('>'))) { NoWrap = true };
            table.AddColumn(column.StartsWith('>') ? shown.RightAligned() : shown);
        }

        return table;
    }

    public void Failure(CliException failure)
    {
        lock (_gate)
        {
            if (IsJson) Console.Error.WriteLine(JsonSerializer.Serialize(new { error = failure.Message, failure.ExitCode, type = (failure as Server.Refusal)?.Type }, _json));
            else Console.Error.WriteLine($"mdfs: {Printable.Of(failure.Message)}");
        }
    }

    private static IAnsiConsole Make(TextWriter writer, bool redirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect });
        // A pipe has no width to wrap at.
        if (redirected) console.Profile.Width = 4000;
        return console;
    }
}
