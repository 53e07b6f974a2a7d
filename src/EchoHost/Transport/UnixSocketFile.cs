using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EchoHost.Transport;

/// <summary>The file of a Unix socket outlives a process that was killed; bind(2) then fails until it is removed.</summary>
internal static partial class UnixSocketFile
{
    /// <summary>
    /// Removes the socket file that nobody serves: one that refuses a connection. A served one, or a file of any other
    /// kind, is left alone, so that binding fails.
    /// </summary>
    public static void RemoveIfStale(string path)
    {
        if (!File.Exists(path) || !IsSocket(path))
        {
            return;
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
        catch (SocketException)
        {
            // Served, but busy.
        }
    }

    /// <summary>Of all files, only a socket can't be opened for lack of a device (open(2), ENXIO). Without waiting, since a FIFO would.</summary>
    public static bool IsSocket(string path)
    {
        const int noSuchDevice = 6;
        var descriptor = Open(path, OperatingSystem.IsLinux() ? LinuxNonBlocking : MacNonBlocking);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError() == noSuchDevice;
        }

        new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
        return false;
    }

    // O_RDONLY is 0 everywhere; O_NONBLOCK is not the same everywhere.
    private const int LinuxNonBlocking = 0x800;
    private const int MacNonBlocking = 0x4;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
