using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mdfs.Protocol.Http;
using Mdfs.ServiceDefaults.Bytes;

namespace Mdfs.ServiceDefaults.Loops;

/// <summary>
/// A connection to another node in the making: its addresses are tried one after the other. By the system's own calls, since a socket of the runtime that has once waited for its connection is watched by the runtime for as long as it lasts: whatever comes in on it would wake two
/// more threads, which find nothing to do.
/// </summary>
internal sealed class LoopConnect(EventLoop loop, IReadOnlyList<IPAddress> addresses, int port, Action<Socket?, NodeFailure?> done)
{
    private readonly long _begun = loop.Now;
    private NodeFailure _failure = new NodeFailure.Unreachable("its name has no address");
    private int _next;

    /// <summary>From any thread; whoever asked is told later, on the loop's.</summary>
    public void Begin() => loop.Post(static self => ((LoopConnect)self).Try(), this);

    private void Try()
    {
        while (!loop.HasEnded && _next < addresses.Count)
        {
            Socket? socket = null;
            try
            {
                var address = addresses[_next++];
                socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                ProbedConnection.Prepare(socket);
                var result = LoopSystem.Connect((int)socket.SafeHandle.DangerousGetHandle(), new IPEndPoint(address, port).Serialize());
                // Watched in both cases: it can be written to at once then.
                if (result is 0 or LoopSystem.UnderWay)
                {
                    loop.Add(new Attempt(this, socket));
                    return;
                }

                _failure = new NodeFailure.Unreachable(Marshal.GetPInvokeErrorMessage(-result));
            }
            catch (SocketException error)
            {
                // A machine without the other kind of addresses, for one.
                _failure = new NodeFailure.Unreachable(error.Message);
            }

            socket?.Dispose();
        }

        done(null, _failure);
    }

    private void Ended(Attempt attempt, Socket socket)
    {
        loop.Remove(attempt);
        var error = (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error == SocketError.Success)
        {
            done(socket, null);
            return;
        }

        _failure = new NodeFailure.Unreachable(new SocketException((int)error).Message);
        socket.Dispose();
        Try();
    }

    private void Late(Attempt attempt, Socket socket)
    {
        loop.Remove(attempt);
        socket.Dispose();
        done(null, new NodeFailure.Unreachable("no connection was made in time"));
    }

    private sealed class Attempt(LoopConnect connect, Socket socket) : LoopSocket(socket)
    {
        public override void OnReady(uint events)
        {
            if ((events & (LoopSystem.Out | LoopSystem.Error | LoopSystem.HangUp)) != 0) connect.Ended(this, Socket);
        }

        public override void OnTurn()
        {
        }

        public override void OnTick()
        {
            if (Loop!.Now - connect._begun > ByteClient.ConnectTimeout.TotalMilliseconds) connect.Late(this, Socket);
        }

        public override void Abandon()
        {
            Loop?.Remove(this);
            Socket.Dispose();
        }
    }
}
