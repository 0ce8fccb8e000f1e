using Mdfs.Web.Api;
using Mdfs.Web.Texts;
using Microsoft.Extensions.Localization;

namespace Mdfs.Web.Viewing;

/// <summary>How far a drain has come, in the language of who reads it.</summary>
public static class DrainWords
{
    /// <param name="uncertain">The catalog is being completed, or Redis is away: a movie that it does not know may be on the node.</param>
    public static string Left(this Drain drain, IStringLocalizer<Words> words, bool uncertain) =>
        drain.State == "drained" ? words["Drain.Done"]
        // Nothing to do and not done: that is not known yet, and no figure.
        : drain.Movies == 0 ? words[uncertain ? "Drain.Uncertain" : "Drain.Untold"]
        : words.Counted(drain.State == "paused" ? "Drain.LeftPaused" : "Drain.Left", drain.Movies, Format.Count(drain.Movies), Format.Bytes(drain.Bytes));
}
