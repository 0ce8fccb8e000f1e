using Mdfs.Cli.Terminal;
using Mdfs.Protocol;

namespace Mdfs.Cli.Transfer;

internal enum Ending { Stored, Replaced, Unchanged, Kept, Downloaded, Deleted, Failed }

/// <summary>How it ended for one movie; with <c>--json</c> this is what is printed.</summary>
internal sealed record Outcome(string Name, Ending Result)
{
    /// <summary>The local file or the URL at the other end.</summary>
    public string? Source { get; init; }

    public long? Size { get; init; }

    public string? Checksum { get; init; }

    /// <summary>Copies that are durable now.</summary>
    public int? Copies { get; init; }

    public int? CopiesWanted { get; init; }

    /// <summary>From how many nodes a deleted movie is gone already.</summary>
    public int? Nodes { get; init; }

    public string? Error { get; init; }

    public int ExitCode { get; init; }

    public static Outcome Failed(string name, string? source, CliException why) => new(name, Ending.Failed) { Source = source, Error = why.Message, ExitCode = why.ExitCode };

    public string Sentence()
    {
        var name = Printable.Of(Name);
        var size = Size is { } bytes ? $" ({Quantity.Bytes(bytes)})" : "";
        return Result switch
        {
            Ending.Stored => $"stored      {name}{size}, {CopiesText()}",
            Ending.Replaced => $"replaced    {name}{size}, {CopiesText()}",
            Ending.Unchanged => $"unchanged   {name}{size}",
            Ending.Kept => $"kept        {name}: a movie of this name is there",
            Ending.Downloaded => $"downloaded  {name}{size}",
            Ending.Deleted => $"deleted     {name}, gone from {Counted.Of(Nodes ?? 0, "node", "nodes")}",
            _ => $"FAILED      {name}: {Printable.Of(Error ?? "")}",
        };
    }

    private string CopiesText() =>
        Copies >= CopiesWanted ? Counted.Of(Copies ?? 0, "copy", "copies") : $"{Copies} of {CopiesWanted} copies; the cluster makes the rest by itself";
}
