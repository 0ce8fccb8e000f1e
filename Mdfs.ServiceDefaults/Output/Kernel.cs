using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mdfs.ServiceDefaults.Output;

/// <summary>How bytes get into a socket without passing through this process: Linux only, and only where both ends can do it.</summary>
internal static partial class Kernel
{
    public static bool CanSendFiles => OperatingSystem.IsLinux();

    /// <summary>What a call of the system came to.</summary>
    /// <param name="Count">Bytes that went; 0 with no error: the file has no more.</param>
    public readonly record struct Outcome(int Count, SocketError Error);

    /// <summary>Sends a part of a file, as much as fits without waiting.</summary>
    public static Outcome SendFile(Socket to, SafeFileHandle from, long offset, int count)
    {
        var sent = SendFile(to.SafeHandle, from, ref offset, (nuint)count);
        return sent >= 0 ? new Outcome((int)sent, SocketError.Success) : new Outcome(0, Marshal.GetLastPInvokeError() switch
        {
            Interrupted => SocketError.Interrupted,
            Again => SocketError.WouldBlock,
            Pipe or Reset or NotConnected => SocketError.ConnectionReset,
            // A file system that cannot, a kernel that may not, an unreadable sector: whoever reads the bytes will see which.
            _ => SocketError.OperationNotSupported,
        });
    }

    private const int Interrupted = 4;
    private const int Again = 11;
    private const int Pipe = 32;
    private const int Reset = 104;
    private const int NotConnected = 107;

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    private static partial nint SendFile(SafeHandle to, SafeHandle from, ref long offset, nuint count);
}
