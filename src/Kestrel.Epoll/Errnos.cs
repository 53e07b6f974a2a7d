using System.ComponentModel;
using System.Net.Sockets;

namespace Kestrel.Epoll;

/// <summary>Translates the kernel's errors to the framework's.</summary>
internal static class Errnos
{
    /// <summary>Creates the exception for an error, with the system's message.</summary>
    /// <param name="error">The kernel's error.</param>
    /// <param name="isFromNetwork">Whether the call had started successfully, so that the error comes from the network.</param>
    public static SocketException ToException(this Errno error, bool isFromNetwork = false) =>
        new((int)error.ToSocketError(isFromNetwork), new Win32Exception((int)error).Message);

    /// <summary>The framework's code for an error; <see cref="SocketError.SocketError"/> if it has none.</summary>
    public static SocketError ToSocketError(this Errno error, bool isFromNetwork = false) => error switch
    {
        Errno.ConnectionRefused => SocketError.ConnectionRefused,
        Errno.ConnectionReset => SocketError.ConnectionReset,
        Errno.ConnectionAborted => SocketError.ConnectionAborted,
        Errno.BrokenPipe => SocketError.Shutdown,
        Errno.TimedOut => SocketError.TimedOut,

        // From ICMP (icmp_err_convert in net/ipv4/icmp.c, icmpv6_err_convert in net/ipv6/icmp.c). If the call itself fails with
        // EACCES or EPERM, a rule of this machine is the cause.
        Errno.AccessDenied or Errno.NotPermitted when isFromNetwork => SocketError.HostUnreachable,
        Errno.HostUnreachable or Errno.NotOnNetwork or Errno.ProtocolError => SocketError.HostUnreachable,
        Errno.NetworkUnreachable => SocketError.NetworkUnreachable,
        Errno.HostDown => SocketError.HostDown,
        Errno.ProtocolNotAvailable => SocketError.ProtocolOption,
        Errno.NotSupported => SocketError.OperationNotSupported,

        Errno.AccessDenied or Errno.NotPermitted => SocketError.AccessDenied,
        Errno.NetworkDown => SocketError.NetworkDown,
        Errno.InvalidArgument => SocketError.InvalidArgument,
        Errno.AddressFamilyNotSupported => SocketError.AddressFamilyNotSupported,
        Errno.NoBufferSpace or Errno.NoMemory => SocketError.NoBufferSpaceAvailable,
        Errno.AddressNotAvailable => SocketError.AddressNotAvailable,
        Errno.AddressInUse => SocketError.AddressAlreadyInUse,
        Errno.Again => SocketError.TryAgain,
        Errno.TooManyInProcess or Errno.TooManyInSystem => SocketError.TooManyOpenSockets,
        _ => SocketError.SocketError,
    };
}
