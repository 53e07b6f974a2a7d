using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EchoHost.Transport;

/// <summary>
/// Handles the files of Unix sockets. Such a file outlives a killed process, and bind(2) then fails until it is removed.
/// </summary>
internal static partial class UnixSocketFile
{
    /// <summary>
    /// Removes a stale socket file, which refuses connections. A file that a process listens on, or one of another kind, is
    /// left in place, so that binding fails.
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
            // A process listens, but is busy.
        }
    }

    /// <summary>
    /// Whether the file is a socket: only sockets fail to open with ENXIO (open(2)). Opens without blocking, as a FIFO
    /// would block.
    /// </summary>
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

    /// <summary>
    /// Identifies the file at a path; null if there is none. Systems other than Linux have one identity for all files.
    /// </summary>
    public static unsafe Identity? Identify(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return File.Exists(path) ? default(Identity) : null;
        }

        // struct statx of statx(2) is the same on every architecture.
        const int size = 256, inode = 32, deviceMajor = 136;
        const int currentDirectory = -100, noFollow = 0x100;
        const uint withInode = 0x100;
        var status = stackalloc byte[size];
        return StatX(currentDirectory, path, noFollow, withInode, status) == 0
            ? new Identity(*(ulong*)(status + inode), *(ulong*)(status + deviceMajor))
            : null;
    }

    /// <summary>A file's identity independent of its name: inode number and device.</summary>
    internal readonly record struct Identity(ulong Inode, ulong Device);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* status);

    // O_RDONLY is 0 on every system; O_NONBLOCK differs.
    private const int LinuxNonBlocking = 0x800;
    private const int MacNonBlocking = 0x4;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
