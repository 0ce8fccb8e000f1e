using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Output;

/// <summary>What .NET has no words for, on Linux only: how bytes get into a socket without passing through this process, and how as many are put into it as it takes without waiting.</summary>
internal static partial class Kernel
{
    /// <summary>Whether any of it may be called.</summary>
    public static bool IsKnown => OperatingSystem.IsLinux();

    /// <summary>What a call of the system came to.</summary>
    /// <param name="Count">Bytes that went; 0 with no error: the file has no more.</param>
    public readonly record struct Outcome(int Count, SocketError Error);

    /// <summary>Sends as much as fits without waiting, whatever else the socket is used for.</summary>
    public static Outcome Send(Socket to, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Came(Send(to.SafeHandle, bytes, (nuint)bytes.Length, DontWait | NoSignal));
        }
        catch (ObjectDisposedException)
        {
            return Gone;
        }
    }

    /// <summary>Sends a part of a file, as much as fits without waiting.</summary>
    public static Outcome SendFile(Socket to, SafeFileHandle from, long offset, int count)
    {
        try
        {
            return Came(SendFile(to.SafeHandle, from, ref offset, (nuint)count));
        }
        catch (ObjectDisposedException)
        {
            return Gone;
        }
    }

    // The server has given the connection up meanwhile.
    private static readonly Outcome Gone = new(0, SocketError.ConnectionReset);

    private static Outcome Came(nint sent) =>
        sent >= 0 ? new Outcome((int)sent, SocketError.Success) : new Outcome(0, Marshal.GetLastPInvokeError() switch
        {
            Interrupted => SocketError.Interrupted,
            Again => SocketError.WouldBlock,
            Pipe or Reset or NotConnected => SocketError.ConnectionReset,
            // A file system that cannot, a kernel that may not, an unreadable sector: whoever reads the bytes will see which.
            _ => SocketError.OperationNotSupported,
        });

    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int Interrupted = 4;
    private const int Again = 11;
    private const int Pipe = 32;
    private const int Reset = 104;
    private const int NotConnected = 107;

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(SafeHandle to, ReadOnlySpan<byte> bytes, nuint count, int flags);

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    private static partial nint SendFile(SafeHandle to, SafeHandle from, ref long offset, nuint count);
}
