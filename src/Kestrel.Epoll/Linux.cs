using System.Runtime.InteropServices;

namespace Kestrel.Epoll;

/// <summary>The system calls of the epoll transport (section 2 of the Linux manual).</summary>
internal static unsafe partial class Linux
{
    // <bits/socket_type.h>, <bits/socket.h>, <sys/epoll.h>, <sys/eventfd.h>, <sys/ioctl.h>, <fcntl.h>: the same on x86-64 and
    // arm64.
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int NoSignal = 0x4000;
    public const int Stream = 1;
    public const int IPv4 = 2;
    public const int IPv6 = 10;
    public const int IPLevel = 0;
    public const int BindAddressNoPort = 24;
    public const int TcpLevel = 6;
    public const int TcpNoDelay = 1;
    public const int SocketLevel = 1;
    public const int SocketError = 4;
    public const nuint UnreadBytes = 0x541B;
    public const int ShutdownSend = 1;
    public const int ShutdownBoth = 2;

    private const string LibC = "libc";

    /// <summary>The error of the system call that has just failed on this thread.</summary>
    public static Errno LastError => (Errno)Marshal.GetLastSystemError();

    [LibraryImport(LibC, EntryPoint = "recv")]
    public static partial nint Receive(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport(LibC, EntryPoint = "send")]
    public static partial nint Send(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport(LibC, EntryPoint = "accept4")]
    public static partial int Accept(int descriptor, byte* address, uint* addressLength, int flags);

    [LibraryImport(LibC, EntryPoint = "socket")]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport(LibC, EntryPoint = "bind")]
    public static partial int Bind(int descriptor, byte* address, uint addressLength);

    [LibraryImport(LibC, EntryPoint = "connect")]
    public static partial int Connect(int descriptor, byte* address, uint addressLength);

    [LibraryImport(LibC, EntryPoint = "getsockname")]
    public static partial int GetLocalAddress(int descriptor, byte* address, uint* addressLength);

    [LibraryImport(LibC, EntryPoint = "getsockopt")]
    public static partial int GetSocketOption(int descriptor, int level, int name, byte* value, uint* length);

    [LibraryImport(LibC, EntryPoint = "setsockopt")]
    public static partial int SetSocketOption(int descriptor, int level, int name, byte* value, uint length);

    [LibraryImport(LibC, EntryPoint = "ioctl")]
    public static partial int ControlDevice(int descriptor, nuint request, int* value);

    [LibraryImport(LibC, EntryPoint = "shutdown")]
    public static partial int Shutdown(int descriptor, int how);

    [LibraryImport(LibC, EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport(LibC, EntryPoint = "epoll_create1")]
    public static partial int EpollCreate(int flags);

    [LibraryImport(LibC, EntryPoint = "epoll_ctl")]
    public static partial int EpollControl(int epoll, EpollOperation operation, int descriptor, byte* @event);

    [LibraryImport(LibC, EntryPoint = "epoll_wait")]
    public static partial int EpollWait(int epoll, byte* events, int maxEvents, int timeoutMilliseconds);

    [LibraryImport(LibC, EntryPoint = "eventfd")]
    public static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport(LibC, EntryPoint = "write")]
    public static partial nint Write(int descriptor, byte* buffer, nuint length);
}
