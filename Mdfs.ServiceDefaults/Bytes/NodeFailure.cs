using System.Net.Http;
using Mdfs.Protocol.Wire;

namespace Mdfs.ServiceDefaults.Bytes;

/// <summary>Why another node did not do what it was asked: a closed set, since failing over depends on it. None of them is an exception.</summary>
public abstract record NodeFailure
{
    private NodeFailure()
    {
    }

    /// <summary>A sentence part for logs and for people.</summary>
    public abstract string Reason { get; }

    /// <summary>Whether asking the same node for the same thing once more could end otherwise: it may have been restarted in between.</summary>
    public virtual bool MayPass => true;

    public sealed override string ToString() => Reason;

    /// <summary>It answered, and the answer was no.</summary>
    /// <param name="Status">The HTTP status.</param>
    public sealed record Refused(int Status, NodeRefusal Refusal) : NodeFailure
    {
        public override string Reason => $"it refused with {Status} ({Refusal.Code}): {Refusal.Message.TrimEnd('.')}";

        public override bool MayPass => false;
    }

    /// <summary>No connection, or a connection that broke.</summary>
    public sealed record Unreachable(string Detail) : NodeFailure
    {
        public override string Reason => Detail;
    }

    /// <summary>Silent for longer than it may be.</summary>
    public sealed record TimedOut(TimeSpan Limit) : NodeFailure
    {
        public override string Reason => $"it was silent for {Limit.TotalSeconds:0.###} s";
    }

    /// <summary>It goes on, but far more slowly than another one would, while somebody waits.</summary>
    public sealed record TooSlow(double BytesPerSecond) : NodeFailure
    {
        public override string Reason => $"it brought only {BytesPerSecond / 1024:0} KiB/s while the reader waited";
    }

    /// <summary>It said something that makes no sense, for instance a wrong length.</summary>
    public sealed record Malformed(string Detail) : NodeFailure
    {
        public override string Reason => Detail;

        public override bool MayPass => false;
    }

    /// <summary>Its receipt speaks of other bytes than were sent: never to be counted, and an alarm, for something between the two changes bytes.</summary>
    public sealed record Disagreed(string Detail) : NodeFailure
    {
        public override string Reason => Detail;

        public override bool MayPass => false;
    }

    /// <summary>
    /// Tells a far side's failure from a surprise; to be used as an exception filter. The caller's own cancellation is neither: it goes on upwards.
    /// </summary>
    public static bool Explains(Exception exception, SilenceWatch watch, out NodeFailure failure)
    {
        failure = new TimedOut(watch.Limit);
        if (watch.Cancelled) return false;
        if (watch.Expired) return true;
        failure = new Unreachable(exception is OperationCanceledException ? "no connection was made in time" : Innermost(exception));
        return exception is HttpRequestException or IOException or OperationCanceledException;
    }

    // The outer messages of the HTTP stack ("An error occurred while sending the request.") tell nothing.
    private static string Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner) exception = inner;
        return exception.Message.TrimEnd('.');
    }
}
