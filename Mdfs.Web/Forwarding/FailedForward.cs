using System.Net.Sockets;
using Mdfs.ServiceDefaults.Problems;
using Yarp.ReverseProxy.Forwarder;

namespace Mdfs.Web.Forwarding;

/// <summary>What it means that a request was not answered by the master: who is to blame, and whether a change may have been made all the same.</summary>
internal static class FailedForward
{
    /// <summary>
    /// Else it was us who could not say on what the client said. That must not count against the master: whoever is turned to another one turns everybody with him. Nor does a body that is not taken to its end: a master that refuses does not wait for the rest.
    /// </summary>
    public static bool MasterIsAway(ForwarderError error, Exception? reason) =>
        error is ForwarderError.Request or ForwarderError.RequestTimedOut
        && (reason is OperationCanceledException || (reason is HttpRequestException failure && (failure.HttpRequestError != HttpRequestError.Unknown || failure.InnerException is IOException or SocketException)));

    /// <summary>Null: the client went away, or is told already.</summary>
    public static Problem? Of(ForwarderError error, Exception? reason, HttpRequest request) => error switch
    {
        ForwarderError.RequestCreation => CommonProblems.ForStatus(StatusCodes.Status400BadRequest),
        ForwarderError.Request or ForwarderError.RequestTimedOut when !MasterIsAway(error, reason) => CommonProblems.ForStatus(StatusCodes.Status400BadRequest),
        ForwarderError.Request or ForwarderError.RequestTimedOut or ForwarderError.RequestBodyDestination =>
            ForwardedRequest.MayChange(request) && !NeverLeft(reason) ? WebProblems.OutcomeUnknown : WebProblems.MasterAway,
        _ => null,
    };

    // No connection was made.
    private static bool NeverLeft(Exception? reason) => reason
        is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError }
        or OperationCanceledException { InnerException: TimeoutException };
}
