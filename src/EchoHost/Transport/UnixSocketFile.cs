using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EchoHost.Transport;

/// <summary>The file of a Unix socket outlives a process that was killed; bind(2) then fails until it is removed.</summary>
internal static partial class UnixSocketFile
{
    /// <summary>
    /// Removes a stale socket file: one that refuses a connection. A served one, or a file of any other
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

    /// <summary>Which file a path leads to; null where there is none. Systems other than Linux can't tell, and have one for all.</summary>
    public static unsafe Identity? Identify(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return File.Exists(path) ? default(Identity) : null;
        }

        // struct statx of statx(2), which is the same on every architecture.
        const int size = 256, inode = 32, deviceMajor = 136;
        const int currentDirectory = -100, noFollow = 0x100;
        const uint withInode = 0x100;
        var status = stackalloc byte[size];
        return StatX(currentDirectory, path, noFollow, withInode, status) == 0
            ? new Identity(*(ulong*)(status + inode), *(ulong*)(status + deviceMajor))
            : null;
    }

    /// <summary>Identifies a file independently of its name: inode number and device.</summary>
    internal readonly record struct Identity(ulong Inode, ulong Device);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* status);

    // O_RDONLY is 0 everywhere; O_NONBLOCK is not the same everywhere.
    private const int LinuxNonBlocking = 0x800;
    private const int MacNonBlocking = 0x4;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
