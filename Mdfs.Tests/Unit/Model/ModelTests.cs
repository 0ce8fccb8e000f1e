using System.Globalization;
using System.Text.RegularExpressions;

namespace Mdfs.Tests.Unit.Model;

/// <summary>
/// The rules of design sections 2, 4, 6 and 7 against random histories of one name, three workers, masters and a Redis. <c>MDFS_MODEL_SEED</c> replays one
/// history and tells it step by step. The seeds are always the same ones, so that red means that something was changed; <c>MDFS_MODEL_FIRST</c> and
/// <c>MDFS_MODEL_HISTORIES</c> go looking elsewhere.
/// </summary>
public sealed partial class ModelTests(ITestOutputHelper output)
{
    private const int Histories = 10_000;

    [Fact]
    public void No_history_loses_or_resurrects_a_movie()
    {
        if (Number("MDFS_MODEL_SEED") is { } replayed)
        {
            Assert.Null(Tell(replayed, Flaw.None));
            return;
        }

        var first = Number("MDFS_MODEL_FIRST") ?? 1;
        var count = Number("MDFS_MODEL_HISTORIES") ?? Histories;
        output.WriteLine($"Seeds {first} to {first + count - 1}.");
        for (var seed = first; seed < first + count; seed++)
            if (History.Run(seed) is not null)
                Assert.Fail($"MDFS_MODEL_SEED={seed} replays it: {Tell(seed, Flaw.None)}");
    }

    [Fact]
    public void A_history_is_told_the_same_way_twice()
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            List<string> one = [], two = [];
            History.Run(seed, Flaw.None, one);
            History.Run(seed, Flaw.None, two);
            Assert.Equal(one, two);
            Assert.NotEmpty(one);
        }
    }

    [Fact]
    public void Histories_are_full_of_everything_that_the_rules_are_about()
    {
        string[] events =
        [
            "upload ## is acknowledged", "upload ## is refused", "delete ## is acknowledged",
            "was sealed by nobody", "got no answer and reads back", "found it done", "found it not done",
            "is rebuilding", "adopts", "is told of a tombstone", "forgets the tombstone", "ends: Redis has epoch",
            "writes its memory into Redis", "pull #", "seal #", "verify #", "(there are enough)", "(it was superseded)", "(it was deleted)", "(away too long)",
        ];
        var counts = new int[events.Length];
        for (ulong seed = 1; seed <= 2000; seed++)
        {
            var trace = new List<string>();
            History.Run(seed, Flaw.None, trace);
            foreach (var line in trace.Select(line => Digits().Replace(line, "#")))
                for (var i = 0; i < events.Length; i++)
                    if (line.Contains(events[i], StringComparison.Ordinal)) counts[i]++;
        }

        for (var i = 0; i < events.Length; i++) output.WriteLine($"{counts[i],6} {events[i]}");
        Assert.All(counts, count => Assert.True(count > 0));
    }

    private string? Tell(ulong seed, Flaw flaw)
    {
        var trace = new List<string>();
        var violation = History.Run(seed, flaw, trace);
        foreach (var line in trace) output.WriteLine(line);
        output.WriteLine(violation ?? "All was well.");
        return violation;
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();

    private static ulong? Number(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
