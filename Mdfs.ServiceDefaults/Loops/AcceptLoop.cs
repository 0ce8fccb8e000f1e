using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>Takes whoever comes, one after another, until the listening socket is closed.</summary>
/// <param name="accept">The next one.</param>
/// <param name="take">What becomes of him.</param>
public sealed partial class AcceptLoop(Func<ValueTask<Socket>> accept, Action<Socket> take, TimeProvider time, ILogger<AcceptLoop> logger)
{
    // The client stays in the system's queue meanwhile, and is ready to be refused again at once.
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _betweenWarnings = TimeSpan.FromMinutes(1);

    private long? _warned;

    public async Task RunAsync()
    {
        while (true)
        {
            try
            {
                take(await accept());
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                if (_warned is not { } warned || time.GetElapsedTime(warned) >= _betweenWarnings)
                {
                    _warned = time.GetTimestamp();
                    LogFull(error.Message);
                }

                await Task.Delay(_pause, time);
            }
            catch (SocketException)
            {
                // One that was gone before it was taken.
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Nobody can be let in: the system gives this process no more sockets ({Reason}). Raise its limit of open files (LimitNOFILE, ulimit -n).")]
    private partial void LogFull(string reason);
}
