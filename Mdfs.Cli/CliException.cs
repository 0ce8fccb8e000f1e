namespace Mdfs.Cli;

/// <summary>Ends a command, or one movie's part of it, with a sentence for the person who typed it.</summary>
internal class CliException(string message, int exitCode, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>Whatever went wrong, as one of these; null when it is a defect of this program, whose stack should be seen.</summary>
    public static CliException? From(Exception e) => e switch
    {
        CliException known => known,
        HttpRequestException http => new CliException($"The cluster does not answer: {http.Message}", ExitCodes.Unavailable, http),
        TimeoutException late => new CliException(late.Message, ExitCodes.Unavailable, late),
        UnauthorizedAccessException or IOException => new CliException(e.Message, ExitCodes.Failed, e),
        _ => null,
    };
}
