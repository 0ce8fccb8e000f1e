using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Mdfs.Standalone;

internal sealed class ServiceLinesOptions : ConsoleFormatterOptions
{
    public string Service { get; set; } = "";
}

/// <summary>One line on the console for each message: when, who, and the sentence; a word before it when something is wrong.</summary>
internal sealed class ServiceLines(IOptions<ServiceLinesOptions> options, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "mdfs";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var text = logEntry.Formatter(logEntry.State, logEntry.Exception);
        textWriter.Write(time.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture));
        textWriter.Write($"  {options.Value.Service,-9} {Word(logEntry.LogLevel)}");
        // A name from outside must not make lines of its own.
        textWriter.WriteLine(text.ReplaceLineEndings(" "));
        if (logEntry.Exception is { } exception)
            textWriter.WriteLine($"    {exception.ToString().ReplaceLineEndings(Environment.NewLine + "    ")}");
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Warning => "Warning: ",
        LogLevel.Error => "Error: ",
        LogLevel.Critical => "Critical: ",
        _ => "",
    };
}
