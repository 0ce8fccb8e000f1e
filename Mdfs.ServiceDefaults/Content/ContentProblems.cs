using Mdfs.Protocol.Versions;
using Mdfs.ServiceDefaults.Problems;

namespace Mdfs.ServiceDefaults.Content;

/// <summary>What is said when the answer to a request for a movie's bytes is neither the movie nor 304.</summary>
public static class ContentProblems
{
    public static Problem PreconditionFailed(MovieVersion version) => new Problem(
        412, "precondition-failed", "Another version", "The movie has changed since the version that your condition names. Ask without the condition, or with the present ETag.")
        .With("etag", version.ETag);

    public static Problem RangeNotSatisfiable(long size) => new Problem(
        416, "range-not-satisfiable", "Range beyond the end", $"The movie has {size} bytes, and the range begins behind them.")
        .With("size", size);
}
